"""What is particular to the local folder."""

import hashlib
from pathlib import Path

import pytest

from service.artifacts import ArtifactError, InvalidKeyError, open_store


def test_a_moved_folder_keeps_its_files(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    uri = open_store((tmp_path / "old").as_uri()).put(source, "jobs/abc/x", digest)
    (tmp_path / "old").rename(tmp_path / "new")
    assert open_store((tmp_path / "new").as_uri()).size(uri) == 1


def test_nothing_but_the_file_stays_in_the_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    store = open_store((tmp_path / "store").as_uri())
    store.put(source, "jobs/abc/x", hashlib.sha256(b"x").hexdigest())
    with pytest.raises(ArtifactError):
        store.put(source, "jobs/abc/y", "0" * 64)
    assert [path.name for path in (tmp_path / "store" / "jobs" / "abc").iterdir()] == ["x"]


@pytest.mark.parametrize(
    "url", ["file:relative", "file://host/share", "file:///", "ftp://host/x", "/srv/frs"]
)
def test_unusable_addresses_are_refused_by_name(url: str) -> None:
    with pytest.raises(ArtifactError, match="artifacts_url is"):
        open_store(url)


def test_uris_cannot_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    store = open_store((tmp_path / "store").as_uri())
    with pytest.raises(InvalidKeyError):
        store.open("file:../secret")
    with pytest.raises(ArtifactError, match="does not belong"):
        store.open("s3:bucket/secret")
