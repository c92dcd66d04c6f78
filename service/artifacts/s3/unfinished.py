"""Uploads in parts that were begun and have not ended."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.artifacts.s3.target import Target

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def newest_upload(target: Target) -> str | None:
    """The newest upload of this object that an earlier try began and did not end."""
    pages = target.client.get_paginator("list_multipart_uploads").paginate(
        Bucket=target.bucket, Prefix=target.key
    )
    found = [item for page in pages for item in page.get("Uploads", ()) if item["Key"] == target.key]
    newest = max(found, key=lambda item: item.get("Initiated", _LONG_AGO), default=None)
    return None if newest is None else str(newest["UploadId"])


def parts_there(target: Target, upload: str) -> dict[int, dict[str, Any]]:
    """The parts of an upload that the server has, by their numbers."""
    pages = target.client.get_paginator("list_parts").paginate(**target.named, UploadId=upload)
    return {item["PartNumber"]: item for page in pages for item in page.get("Parts", ())}


def is_from_before(target: Target, listed: Mapping[str, Any], moment: datetime) -> bool:
    """Whether an upload was begun before a moment, as the server lists it.

    SeaweedFS does not say when. Then its newest part tells; one without parts takes no room and stays.
    """
    if "Initiated" in listed:
        return bool(listed["Initiated"] < moment)
    arrived = [part["LastModified"] for part in parts_there(target, listed["UploadId"]).values()]
    return bool(arrived) and max(arrived) < moment
