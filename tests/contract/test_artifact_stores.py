"""Every artifact store keeps the same promises. A new store adds one line to `ADDRESSES`."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from service.artifacts import (
    ArtifactMissingError,
    ArtifactStore,
    HashMismatchError,
    InvalidKeyError,
    open_store,
    schemes,
)

ADDRESSES: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "file": lambda _, folder: (folder / "a b").as_uri(),
    "s3": lambda request, _: request.getfixturevalue("moto_bucket").address,
    "s3-seaweedfs": lambda request, _: request.getfixturevalue("seaweedfs_bucket").address,
}
CONTENT = b"weights " * 300_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=sorted({*schemes(), *ADDRESSES}))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    return open_store(ADDRESSES[request.param](request, tmp_path / "store"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


def test_what_was_put_is_fetched_opened_and_measured(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    uri = store.put(source, "jobs/abc/weights_12.pth", SHA256)
    store.fetch(uri, tmp_path / "deep" / "copy.pth", SHA256)
    assert (tmp_path / "deep" / "copy.pth").read_bytes() == CONTENT
    with store.open(uri) as file:
        assert file.read(16) == CONTENT[:16]
    assert store.size(uri) == len(CONTENT)


def test_a_stored_file_is_read_from_any_place(store: ArtifactStore, source: Path) -> None:
    uri = store.put(source, "jobs/abc/file", SHA256)
    with store.open(uri) as file:
        assert file.seek(-8, 2) == len(CONTENT) - 8
        assert (file.read(100), file.read(1)) == (CONTENT[-8:], b"")
        assert file.seek(3) == 3
        assert file.read(5) == CONTENT[3:8]
        assert file.tell() == 8
        assert file.read() == CONTENT[8:]


def test_a_signed_address_gives_the_file_or_there_is_none(store: ArtifactStore, source: Path) -> None:
    uri = store.put(source, "jobs/abc/file", SHA256)
    url = store.signed_url(uri, seconds=60, filename="weights.html")
    if url is None:
        return
    answer = httpx.get(url)
    assert hashlib.sha256(answer.content).hexdigest() == SHA256
    assert answer.headers["Content-Disposition"] == 'attachment; filename="weights.html"'
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_bytes_other_than_announced_are_not_stored(store: ArtifactStore, source: Path) -> None:
    good = store.put(source, "jobs/abc/file", SHA256)
    source.write_bytes(b"changed meanwhile")
    with pytest.raises(HashMismatchError, match=r"file: SHA-256 is .*, expected"):
        store.put(source, "jobs/abc/file", SHA256)
    assert store.size(good) == len(CONTENT)


def test_bytes_other_than_expected_are_not_delivered(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    uri = store.put(source, "jobs/abc/file", SHA256)
    with pytest.raises(HashMismatchError):
        store.fetch(uri, tmp_path / "target" / "copy", "0" * 64)
    assert list((tmp_path / "target").iterdir()) == []


def test_putting_again_replaces(store: ArtifactStore, source: Path) -> None:
    store.put(source, "jobs/abc/file", SHA256)
    source.write_bytes(b"second")
    uri = store.put(source, "jobs/abc/file", hashlib.sha256(b"second").hexdigest())
    with store.open(uri) as file:
        assert file.read() == b"second"


def test_what_was_deleted_is_missing_and_may_be_deleted_again(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    uri = store.put(source, "jobs/abc/file", SHA256)
    store.delete(uri)
    store.delete(uri)
    with pytest.raises(ArtifactMissingError):
        store.open(uri)
    with pytest.raises(ArtifactMissingError):
        store.size(uri)
    with pytest.raises(ArtifactMissingError):
        store.fetch(uri, tmp_path / "copy", SHA256)


@pytest.mark.parametrize(
    "key", ["../escape", "a/../../b", "/etc/passwd", "a//b", "", "a/.", ".hidden", "a\x00b", "a b", "x" * 600]
)
def test_keys_cannot_leave_the_store(store: ArtifactStore, source: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidKeyError, match="the key is"):
        store.put(source, key, SHA256)
    assert {path.name for path in tmp_path.iterdir()} <= {"source.bin", "store"}


def test_what_was_put_before_a_moment_is_listed_below_its_key(store: ArtifactStore, source: Path) -> None:
    inside = {store.put(source, f"jobs/abc/{number}/file", SHA256) for number in range(3)}
    store.put(source, "jobsite/file", SHA256)
    store.put(source, "readiness/file", SHA256)
    later, earlier = (datetime.now(UTC) + timedelta(hours=sign) for sign in (1, -1))
    assert set(store.written_before(later, under="jobs")) == inside
    assert list(store.written_before(earlier, under="jobs")) == []
    assert list(store.written_before(later, under="nothing")) == []


def test_puts_that_were_cut_short_leave_nothing_to_list_and_are_discarded(
    store: ArtifactStore, source: Path
) -> None:
    store.put(source, "jobs/abc/file", SHA256)
    with pytest.raises(HashMismatchError):
        store.put(source, "jobs/abc/other", "0" * 64)
    assert store.discard_unfinished(datetime.now(UTC) + timedelta(hours=1), under="jobs") == 0
