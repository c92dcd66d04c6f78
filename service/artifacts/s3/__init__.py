"""`s3://bucket/prefix?endpoint=https://host`: a bucket of any server that speaks S3's protocol.

Credentials are those that boto3 finds: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the file that
AWS_SHARED_CREDENTIALS_FILE names (a mounted secret), or the role of the machine. They are never in the URL.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.artifacts.base import ArtifactError, ArtifactMissingError, checked_key, write_verified
from service.artifacts.s3.reading import RemoteFile
from service.artifacts.s3.target import Target
from service.artifacts.s3.unfinished import is_from_before
from service.artifacts.s3.writing import PART_BYTES, put_parts, put_whole

SCHEMES = ("s3",)
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_OPTIONS = frozenset({"endpoint", "region", "addressing"})
_READ_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Where a store is: a bucket, a prefix that is empty or ends in a slash, and how it is reached."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    addressing: str = "auto"


class Store:
    """Objects under a prefix of a bucket. URIs are `s3:` and the key, so that a bucket can be moved."""

    def __init__(self, bucket: Bucket, client: Any = None) -> None:
        self.bucket = bucket
        self._client = client or connect(bucket)

    def put(self, path: Path, key: str, sha256: str) -> str:
        """See ArtifactStore. A put that broke off goes on with the parts that the server has already."""
        target = Target(self._client, self.bucket.name, self.bucket.prefix + checked_key(key))
        with _speaking(f"s3:{key}"), path.open("rb") as source:
            if path.stat().st_size <= PART_BYTES:
                put_whole(target, source, sha256)
            else:
                put_parts(target, source, sha256, size_bytes=path.stat().st_size)
        return f"s3:{key}"

    def fetch(self, uri: str, destination: Path, sha256: str) -> None:
        """See ArtifactStore."""
        with self.open(uri) as source:
            write_verified(source, destination, sha256)

    def open(self, uri: str) -> BinaryIO:
        """See ArtifactStore. A connection that breaks off meanwhile is taken up again at its place."""
        with _speaking(uri):
            head = self._client.head_object(**self._named(uri))
        remote = RemoteFile(self._client, self._named(uri), head["ContentLength"], head["ETag"])
        return io.BufferedReader(remote, _READ_BUFFER_BYTES)

    def size(self, uri: str) -> int:
        """See ArtifactStore."""
        with _speaking(uri):
            return int(self._client.head_object(**self._named(uri))["ContentLength"])

    def delete(self, uri: str) -> None:
        """See ArtifactStore."""
        with _speaking(uri):
            self._client.delete_object(**self._named(uri))

    def written_before(self, moment: datetime, *, under: str) -> Iterator[str]:
        """See ArtifactStore."""
        for item in self._listed("list_objects_v2", "Contents", under):
            if item["LastModified"] < moment:
                yield f"s3:{item['Key'].removeprefix(self.bucket.prefix)}"

    def discard_unfinished(self, moment: datetime, *, under: str) -> int:
        """See ArtifactStore."""
        discarded = 0
        for item in list(self._listed("list_multipart_uploads", "Uploads", under)):
            target = Target(self._client, self.bucket.name, item["Key"])
            with _speaking(under):
                if is_from_before(target, item, moment):
                    self._client.abort_multipart_upload(**target.named, UploadId=item["UploadId"])
                    discarded += 1
        return discarded

    def signed_url(self, uri: str, *, seconds: int, filename: str) -> str:
        """See ArtifactStore."""
        asked = {
            **self._named(uri),
            "ResponseContentDisposition": f'attachment; filename="{filename}"',
            "ResponseContentType": "application/octet-stream",
        }
        with _speaking(uri):
            return str(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))

    def _listed(self, verb: str, field: str, under: str) -> Iterator[dict[str, Any]]:
        prefix = f"{self.bucket.prefix}{checked_key(under)}/"
        with _speaking(under):
            for page in self._client.get_paginator(verb).paginate(Bucket=self.bucket.name, Prefix=prefix):
                yield from page.get(field, ())

    def _named(self, uri: str) -> dict[str, str]:
        scheme, _, key = uri.partition(":")
        if scheme not in SCHEMES:
            raise ArtifactError(f"{uri} does not belong to the store in bucket {self.bucket.name}")
        return {"Bucket": self.bucket.name, "Key": self.bucket.prefix + checked_key(key)}


def open_url(url: str) -> Store:
    """The store of an address. Raises ArtifactError, which repeats no secret, for one that cannot be."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ArtifactError(
            "artifacts_url holds credentials: give s3://BUCKET/PREFIX, and the credentials as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in the file AWS_SHARED_CREDENTIALS_FILE names"
        )
    options = dict(parse_qsl(parts.query))
    if not parts.netloc or parts.fragment or not options.keys() <= _OPTIONS:
        raise ArtifactError(
            "artifacts_url is no address of a bucket: give s3://BUCKET/PREFIX, and after a question mark "
            f"{', '.join(sorted(_OPTIONS))} where they are needed"
        )
    prefix = parts.path.strip("/")
    return Store(Bucket(name=parts.netloc, prefix=f"{checked_key(prefix)}/" if prefix else "", **options))


def connect(bucket: Bucket) -> Any:
    """A client of the bucket's server; it tries again where that is busy. Raises ArtifactError."""
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        s3={"addressing_style": bucket.addressing},
        signature_version="s3v4",
        # newer checksums are asked for where they are used: servers other than Amazon's refuse unknown ones
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.client("s3", endpoint_url=bucket.endpoint, region_name=bucket.region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise ArtifactError(f"artifacts_url: the store cannot be used ({error})") from error


@contextmanager
def _speaking(subject: str) -> Iterator[None]:
    """Have what the server or the way to it refuses come out as an ArtifactError."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise ArtifactMissingError(f"{subject} is not in the store") from error
        raise ArtifactError(f"{subject}: the store refused ({code or error})") from error
    except BotoCoreError as error:
        raise ArtifactError(f"{subject}: the store cannot be reached or used ({error})") from error
