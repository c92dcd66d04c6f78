"""Downloads: whole or not at all, and on from where a connection broke."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.client import Artifact, Client, DamagedFileError, UnreachableError

CONTENT = bytes(range(256)) * 40
HALF = len(CONTENT) // 2


def artifact(content: bytes = CONTENT) -> Artifact:
    return Artifact(
        id="a", name="weights", media_type="x", sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content), download="/api/v1/artifacts/a/download",
    )  # fmt: skip


class Breaking(httpx.SyncByteStream):
    """Half of the bytes, then a lost connection."""

    def __iter__(self) -> Iterator[bytes]:
        yield CONTENT[:HALF]
        raise httpx.ReadError("connection lost")


class Store:
    """Serves the content; breaks off the first `breaks` times; knows ranges or does not."""

    def __init__(self, *, breaks: int, ranges: bool) -> None:
        self.breaks = breaks
        self.ranges = ranges
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if len(self.asked) <= self.breaks:
            return httpx.Response(200, stream=Breaking())
        wanted = request.headers.get("range")
        if wanted is None or not self.ranges:
            return httpx.Response(200, content=CONTENT)
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        place = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
        return httpx.Response(206, content=CONTENT[start:], headers=place)


def client_of(store: Store, retries: int = 1) -> Client:
    return Client("http://host", transport=httpx.MockTransport(store), retry_delays=(0.0,) * retries)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_transfer_goes_on_where_the_server_can(tmp_path: Path, ranges: bool) -> None:
    store = Store(breaks=1, ranges=ranges)
    client_of(store).save(artifact(), tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert store.asked[1].headers["range"] == f"bytes={HALF}-"
    assert store.asked[1].headers["if-range"] == f'"{artifact().sha256}"'
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_a_later_call_goes_on_too(tmp_path: Path) -> None:
    store = Store(breaks=1, ranges=True)
    with pytest.raises(UnreachableError):
        client_of(store, retries=0).save(artifact(), tmp_path / "w")
    assert not (tmp_path / "w").exists()
    client_of(store, retries=0).save(artifact(), tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert store.asked[1].headers["range"] == f"bytes={HALF}-"


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(CONTENT)
    store = Store(breaks=0, ranges=True)
    client_of(store).save(artifact(), tmp_path / "w")
    assert store.asked == []


def test_a_rest_that_was_changed_meanwhile_is_thrown_away(tmp_path: Path) -> None:
    store = Store(breaks=1, ranges=True)
    with pytest.raises(UnreachableError):
        client_of(store, retries=0).save(artifact(), tmp_path / "w")
    [partial] = tmp_path.iterdir()
    partial.write_bytes(b"x" * HALF)
    with pytest.raises(DamagedFileError):
        client_of(store, retries=0).save(artifact(), tmp_path / "w")
    assert list(tmp_path.iterdir()) == []
    client_of(store, retries=0).save(artifact(), tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_the_hidden_file_follows_nobodys_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / f".w.{artifact().sha256[:12]}.partial").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        client_of(Store(breaks=0, ranges=True)).save(artifact(), tmp_path / "w")
    assert victim.read_bytes() == b"mine"
