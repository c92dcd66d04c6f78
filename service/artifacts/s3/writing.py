"""Puts a file into a bucket: hashed here while it is sent, and again by the server that received it."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from service.artifacts.base import CHUNK_BYTES, ArtifactError, HashMismatchError
from service.artifacts.s3.target import Target
from service.artifacts.s3.unfinished import newest_upload, parts_there

PART_BYTES = 16 * 2**20
"""Up to this size a file is sent in one piece, and above it in pieces of this size."""

MAX_PARTS = 10_000


class _Part(NamedTuple):
    """A stretch of the file. `etag` is what a server that does not encrypt calls these bytes."""

    number: int
    content: bytes
    sha256: bytes
    etag: str


def put_whole(target: Target, source: BinaryIO, sha256: str) -> None:
    """Send a small file. Raises HashMismatchError before anything is sent."""
    content = source.read()
    digest = hashlib.sha256(content)
    _check(target, digest.hexdigest(), sha256)
    checksum = b64encode(digest.digest()).decode()
    answer = target.client.put_object(
        **target.named, Body=content, ChecksumSHA256=checksum, Metadata={"sha256": sha256}
    )
    _confirm(target, answer.get("ChecksumSHA256"), checksum, sha256)


def put_parts(target: Target, source: BinaryIO, sha256: str, *, size_bytes: int) -> None:
    """Send a large file part by part; parts of an earlier try that are as they should be are not sent again.

    Raises HashMismatchError, of which nothing stays behind. What breaks off otherwise can be taken up.
    """
    part_bytes = max(PART_BYTES, -(-size_bytes // MAX_PARTS))
    upload = newest_upload(target)
    there = parts_there(target, upload) if upload else {}
    upload = upload or target.client.create_multipart_upload(
        **target.named, ChecksumAlgorithm="SHA256", Metadata={"sha256": sha256}
    )["UploadId"]  # fmt: skip
    whole, listed, digests = hashlib.sha256(), [], b""
    for part in _parts(source, part_bytes):
        whole.update(part.content)
        digests += part.sha256
        listed.append(_sent(target, upload, part, there.get(part.number)))
    if whole.hexdigest() != sha256:
        target.client.abort_multipart_upload(**target.named, UploadId=upload)
    _check(target, whole.hexdigest(), sha256)
    answer = target.client.complete_multipart_upload(
        **target.named, UploadId=upload, MultipartUpload={"Parts": listed}
    )
    composite = f"{b64encode(hashlib.sha256(digests).digest()).decode()}-{len(listed)}"
    _confirm(target, answer.get("ChecksumSHA256"), composite, sha256)


def _parts(source: BinaryIO, part_bytes: int) -> Iterator[_Part]:
    number = 0
    while content := source.read(part_bytes):
        number += 1
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        yield _Part(number, content, hashlib.sha256(content).digest(), etag)


def _sent(target: Target, upload: str, part: _Part, there: dict[str, Any] | None) -> dict[str, Any]:
    """Send a part unless it is there; gives how the end of the upload names it."""
    checksum = b64encode(part.sha256).decode()
    if there is not None and there["Size"] == len(part.content):
        is_same = there.get("ChecksumSHA256", checksum) == checksum and there["ETag"].strip('"') == part.etag
        if is_same:
            return {"PartNumber": part.number, "ETag": there["ETag"], "ChecksumSHA256": checksum}
    answer = target.client.upload_part(
        **target.named, UploadId=upload, PartNumber=part.number, Body=part.content, ChecksumSHA256=checksum
    )
    return {"PartNumber": part.number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}


def _check(target: Target, found: str, sha256: str) -> None:
    if found != sha256:
        raise HashMismatchError(f"{target.key.rpartition('/')[2]}: SHA-256 is {found}, expected {sha256}")


def _confirm(target: Target, reported: str | None, checksum: str, sha256: str) -> None:
    """Have the server's own hash agree with ours; where it has none, read the object back.

    Raises ArtifactError, and the object is gone again, where what arrived is something else.
    """
    if reported == checksum or (reported is None and _hash_there(target) == sha256):
        return
    target.client.delete_object(**target.named)
    raise ArtifactError(f"{target.key}: what the store received is not what was sent; try again")


def _hash_there(target: Target) -> str:
    digest = hashlib.sha256()
    for chunk in target.client.get_object(**target.named)["Body"].iter_chunks(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
