"""The object store of the reference deployment, started as docker-compose.yml starts it."""

import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml

from service.artifacts import ArtifactError, ArtifactStore, open_store
from tests.fixtures.s3_server import serving_s3
from tests.seaweedfs import SeaweedPorts, weed

CONTENT = random.Random(3).randbytes(20 * 2**20)  # more than goes in one piece
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def services(repo_root: Path) -> dict[str, Any]:
    """Those of the deployment."""
    found: dict[str, Any] = yaml.safe_load((repo_root / "docker-compose.yml").read_text())["services"]
    return found


@pytest.fixture(scope="module")
def folder(
    repo_root: Path, services: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The store is up; in there are its secrets and, in `url`, its address."""
    folder, ports, program = tmp_path_factory.mktemp("store"), SeaweedPorts.free(), weed()
    (folder / "data").mkdir()
    secrets = folder / "secrets"
    make = repo_root / "docker" / "make-secrets.sh"
    subprocess.run([make], env={**os.environ, "FRS_SECRETS": str(secrets)}, check=True)
    here = [f"-dir={folder / 'data'}", f"-s3.config={secrets / 'store_identities'}", *ports.options]
    command = [program, *services["store"]["command"], *here]  # the last of two equal options counts
    with serving_s3(command, f"{ports.url}/healthz", folder):
        _make_bucket(services["bucket"]["entrypoint"], program, ports)
        (folder / "url").write_text(ports.url)
        yield folder


def _make_bucket(entrypoint: list[str], program: str, ports: SeaweedPorts) -> None:
    [shell, option, script] = entrypoint
    for there, here in (
        ("weed shell", f"{program} shell"),
        ("127.0.0.1:9333", ports.address("master")),
        ("127.0.0.1:8888", ports.address("filer")),
    ):
        assert there in script
        script = script.replace(there, here)
    subprocess.run([shell, option, script], check=True, timeout=60)


@pytest.fixture
def store(services: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    """As the deployment's processes open it."""
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "secrets" / "store_credentials"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would keep the credentials of another test
    address = services["api-1"]["environment"]["FRS_ARTIFACTS_URL"]
    assert "http://store:9000" in address
    return open_store(address.replace("http://store:9000", (folder / "url").read_text()))


def test_its_version_is_the_one_that_is_tested(repo_root: Path) -> None:
    said = subprocess.run([weed(), "version"], capture_output=True, text=True, check=True).stdout
    version = said.split()[2]
    assert f"FROM chrislusf/seaweedfs:{version} AS store" in (repo_root / "docker" / "Dockerfile").read_text()


def test_a_file_is_kept_and_served_and_goes(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(CONTENT)
    uri = store.put(source, "jobs/abc/1/state", SHA256)
    store.fetch(uri, tmp_path / "copy.bin", SHA256)
    assert (tmp_path / "copy.bin").read_bytes() == CONTENT
    link = store.signed_url(uri, seconds=60, filename="state.bin")
    assert link is not None
    assert httpx.get(link, headers={"Range": "bytes=5-9"}).content == CONTENT[5:10]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert list(store.written_before(later, under="jobs")) == [uri]
    store.delete(uri)
    assert list(store.written_before(later, under="jobs")) == []


def test_it_serves_nobody_without_credentials_and_its_key_reaches_no_other_bucket(
    store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"weights")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    store.put(source, "jobs/abc/1/weights", sha256)
    url = (folder / "url").read_text()
    for path in ("frs", "frs/artifacts/jobs/abc/1/weights", ""):
        assert httpx.get(f"{url}/{path}").status_code == 403, path
    assert httpx.put(f"{url}/frs/artifacts/x", content=b"mine").status_code == 403
    with pytest.raises(ArtifactError, match="AccessDenied"):
        open_store(f"s3://other?endpoint={url}").put(source, "jobs/abc/1/weights", sha256)
