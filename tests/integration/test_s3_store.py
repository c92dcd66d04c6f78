"""What only a store behind a network has to bear: pieces, broken connections, refusals, and secrets."""

import hashlib
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.config import Config

from service.artifacts import ArtifactError, HashMismatchError, open_store
from service.artifacts.s3 import Bucket, Store, connect, writing

if TYPE_CHECKING:
    from tests.fixtures.s3_server import S3Bucket

MIB = 2**20
CONTENT = random.Random(7).randbytes(11 * MIB)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "jobs/abc/1/file"
SOON = timedelta(hours=1)
_ONCE = Config(retries={"total_max_attempts": 1})


class Recorder:
    """Counts what a client sends, and breaks off where it is told to."""

    def __init__(self, bucket: "S3Bucket") -> None:
        self.sent: Counter[str] = Counter()
        self.break_at: tuple[str, int] | None = None
        self.client: Any = connect(Bucket(name=bucket.name, endpoint=bucket.endpoint))
        self.client.meta.events.register("before-call.s3", self._note)

    def _note(self, model: Any, **_: Any) -> None:
        self.sent[model.name] += 1
        if self.break_at == (model.name, self.sent[model.name]):
            raise ConnectionError("the worker was killed")


@pytest.fixture(params=["moto", "seaweedfs"])
def s3_bucket(request: pytest.FixtureRequest) -> "S3Bucket":
    """An empty bucket of each server."""
    bucket: S3Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return bucket


@pytest.fixture
def recorder(s3_bucket: "S3Bucket", monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(writing, "PART_BYTES", 5 * MIB)  # the least that S3 takes
    monkeypatch.setattr("service.artifacts.s3.PART_BYTES", 5 * MIB)
    return Recorder(s3_bucket)


@pytest.fixture
def store(recorder: Recorder, s3_bucket: "S3Bucket") -> Store:
    return Store(Bucket(name=s3_bucket.name, prefix="some/where/"), recorder.client)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bin"
    path.write_bytes(CONTENT)
    return path


def test_a_large_file_goes_in_pieces_and_comes_back_whole(
    store: Store, recorder: Recorder, source: Path, tmp_path: Path
) -> None:
    uri = store.put(source, KEY, SHA256)
    assert (uri, recorder.sent["UploadPart"]) == (f"s3:{KEY}", 3)
    store.fetch(uri, tmp_path / "copy", SHA256)
    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_a_put_that_broke_off_goes_on_with_the_parts_that_are_there(
    store: Store, recorder: Recorder, source: Path
) -> None:
    recorder.break_at = ("UploadPart", 3)
    with pytest.raises(ConnectionError):
        store.put(source, KEY, SHA256)
    assert list(store.written_before(datetime.now(UTC) + SOON, under="jobs")) == []
    recorder.sent.clear()
    recorder.break_at = None
    uri = store.put(source, KEY, SHA256)
    assert (recorder.sent["UploadPart"], recorder.sent["CreateMultipartUpload"]) == (1, 0)
    with store.open(uri) as file:
        assert hashlib.sha256(file.read()).hexdigest() == SHA256


def test_parts_of_another_content_are_sent_anew(store: Store, recorder: Recorder, source: Path) -> None:
    recorder.break_at = ("UploadPart", 3)
    with pytest.raises(ConnectionError):
        store.put(source, KEY, SHA256)
    recorder.sent.clear()
    recorder.break_at = None
    changed = b"!" + CONTENT[1:]
    source.write_bytes(changed)
    uri = store.put(source, KEY, hashlib.sha256(changed).hexdigest())
    assert recorder.sent["UploadPart"] == 2, "the second part is the same"
    with store.open(uri) as file:
        assert file.read() == changed


def test_what_broke_off_long_ago_is_given_up(store: Store, recorder: Recorder, source: Path) -> None:
    recorder.break_at = ("UploadPart", 2)
    with pytest.raises(ConnectionError):
        store.put(source, KEY, SHA256)
    moment = datetime.now(UTC)

    def date(parsed: dict[str, Any], **_: Any) -> None:
        """moto says the same day of 2010 of all, and SeaweedFS none."""
        for upload in parsed.get("Uploads", ()):
            if "Initiated" in upload:
                upload["Initiated"] = moment

    recorder.client.meta.events.register("after-call.s3.ListMultipartUploads", date)
    assert store.discard_unfinished(moment - SOON, under="jobs") == 0
    assert store.discard_unfinished(moment + SOON, under="other") == 0
    assert store.discard_unfinished(moment + SOON, under="jobs") == 1
    recorder.break_at = None
    recorder.sent.clear()
    store.put(source, KEY, SHA256)
    assert recorder.sent["UploadPart"] == 3


def test_a_large_file_of_another_hash_leaves_no_piece_behind(store: Store, source: Path) -> None:
    with pytest.raises(HashMismatchError, match="file: SHA-256 is"):
        store.put(source, KEY, "0" * 64)
    later = datetime.now(UTC) + SOON
    assert store.discard_unfinished(later, under="jobs") == 0
    assert list(store.written_before(later, under="jobs")) == []


@pytest.mark.parametrize("size", [100, 11 * MIB])
def test_what_arrives_otherwise_than_it_was_sent_is_not_kept(
    store: Store, recorder: Recorder, source: Path, size: int
) -> None:
    """The server's own hash is asked; here it says that something else arrived."""

    def lie(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ChecksumSHA256"] = "AAAA"

    for verb in ("PutObject", "CompleteMultipartUpload"):
        recorder.client.meta.events.register(f"after-call.s3.{verb}", lie)
    source.write_bytes(CONTENT[:size])
    with pytest.raises(ArtifactError, match="not what was sent"):
        store.put(source, KEY, hashlib.sha256(CONTENT[:size]).hexdigest())
    assert list(store.written_before(datetime.now(UTC) + SOON, under="jobs")) == []


@pytest.mark.parametrize("size", [100, 11 * MIB])
def test_a_server_without_hashes_of_its_own_is_read_back(
    store: Store, recorder: Recorder, source: Path, size: int
) -> None:
    for verb in ("PutObject", "CompleteMultipartUpload"):
        recorder.client.meta.events.register(
            f"after-call.s3.{verb}", lambda parsed, **_: parsed.pop("ChecksumSHA256", None)
        )
    source.write_bytes(CONTENT[:size])
    store.put(source, KEY, hashlib.sha256(CONTENT[:size]).hexdigest())
    assert recorder.sent["GetObject"] == 1


def test_a_download_that_breaks_off_is_taken_up_where_it_was(
    store: Store, recorder: Recorder, source: Path
) -> None:
    uri = store.put(source, KEY, SHA256)
    asked: list[str] = []

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        if len(asked) == 1:
            parsed["Body"] = _Torn(parsed["Body"])

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["headers"]["Range"])

    recorder.client.meta.events.register("before-call.s3.GetObject", note)
    recorder.client.meta.events.register("after-call.s3.GetObject", cut)
    with store.open(uri) as file:
        assert hashlib.sha256(file.read()).hexdigest() == SHA256
    assert [asked[0], asked[1] != asked[0], len(asked)] == ["bytes=0-", True, 2]


def test_an_object_that_was_replaced_while_it_is_read_is_no_mixture(store: Store, source: Path) -> None:
    uri = store.put(source, KEY, SHA256)
    with store.open(uri) as file:
        assert file.read(10) == CONTENT[:10]
        source.write_bytes(b"other" * 3 * MIB)
        store.put(source, KEY, hashlib.sha256(b"other" * 3 * MIB).hexdigest())
        file.seek(6 * MIB)
        with pytest.raises(ArtifactError, match="cannot be read"):
            file.read()


def test_a_signed_address_ends_and_names_no_secret(store: Store, source: Path) -> None:
    url = store.signed_url(store.put(source, KEY, SHA256), seconds=60, filename="a.bin")
    assert "not-a-secret" not in url
    assert "X-Amz-Expires=60" in url
    assert httpx.get(url, headers={"Range": "bytes=5-9"}).content == CONTENT[5:10]


def test_a_bucket_that_is_not_there_is_the_stores_fault(moto_bucket: "S3Bucket", source: Path) -> None:
    """SeaweedFS would make it for this administrator."""
    store = open_store(f"s3://nobody-has-this?endpoint={moto_bucket.endpoint}")
    with pytest.raises(ArtifactError, match=r"refused.*NoSuchBucket"):
        store.put(source, KEY, SHA256)


def test_a_server_that_is_away_is_the_stores_fault(s3_bucket: "S3Bucket", source: Path) -> None:
    store = Store(
        Bucket(name="b"),
        boto3.client("s3", endpoint_url="http://127.0.0.1:9", region_name="us-east-1", config=_ONCE),
    )
    with pytest.raises(ArtifactError, match="cannot be reached"):
        store.size(f"s3:{KEY}")


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:hunter2@bucket/p",
        "s3://",
        "s3://bucket?endpoint=http://a&secret=hunter2",
        "s3://bucket#hunter2",
    ],
)
def test_an_address_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ArtifactError, match="artifacts_url") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_a_key_of_the_local_store_is_not_looked_for_here(store: Store) -> None:
    with pytest.raises(ArtifactError, match="does not belong"):
        store.size(f"file:{KEY}")


class _Torn:
    """A body that ends in the middle."""

    def __init__(self, body: Any) -> None:
        self._body, self._left = body, 3 * MIB

    def read(self, num_bytes: int) -> bytes:
        if self._left <= 0:
            raise ConnectionResetError("torn")
        content: bytes = self._body.read(min(num_bytes, self._left))
        self._left -= len(content)
        return content

    def close(self) -> None:
        self._body.close()
