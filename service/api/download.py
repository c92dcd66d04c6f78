"""The bytes of stored files: whole or in part, streamed, or by an address of the store's own."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from sqlalchemy.orm import Session

from service.api.dependencies import Resources
from service.api.problems import ProblemError, response
from service.api.ranges import UnsatisfiableRangeError, wanted_bytes
from service.api.refusals import also
from service.artifacts import ArtifactMissingError
from service.artifacts.base import CHUNK_BYTES
from service.db import queries
from service.db.types import is_id

SIGNED_SECONDS = 300
"""For so long an address of the store's own is good: a download that has begun goes on."""

_SUFFIXES = {"weights": "safetensors", "best": "safetensors"}
_UNSAFE = re.compile(r"[^\w.+=-]+", re.ASCII)
_BYTES: dict[str, Any] = {"content": {"*/*": {}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: _BYTES,
    206: {"description": "The part that was asked for", **_BYTES},
    304: {"description": "The client has the file already"},
    307: {"description": "The file is at an address of the store, for a short while"},
    **also(410, 416),
}
Redirect = Annotated[
    bool | None,
    Query(description="Answer 307 with a short-lived address of the store, where it has any"),
]


@dataclass(frozen=True, kw_only=True)
class ServedFile:
    """A stored file as clients see it."""

    uri: str
    sha256: str
    size_bytes: int
    name: str
    media_type: str

    @property
    def safe_name(self) -> str:
        """Its name as a header may hold it."""
        return _UNSAFE.sub("_", self.name)


def checkpoint_file(session: Session, checkpoint_id: str) -> ServedFile:
    """The file of a checkpoint. Raises NotFoundError."""
    row = queries.get_checkpoint(session, checkpoint_id) if is_id(checkpoint_id) else None
    if row is None:
        raise queries.NotFoundError(f"there is no checkpoint {checkpoint_id[:64]!r}")
    name = f"{row.job_id}-{row.kind}-{row.step}.{_SUFFIXES.get(row.kind, 'pth')}"
    return _served(row, name, "application/octet-stream")


def artifact_file(session: Session, artifact_id: str) -> ServedFile:
    """The file of an artifact. Raises NotFoundError."""
    row = queries.get_artifact(session, artifact_id) if is_id(artifact_id) else None
    if row is None:
        raise queries.NotFoundError(f"there is no artifact {artifact_id[:64]!r}")
    return _served(row, row.name, row.media_type)


def answer(resources: Resources, request: Request, file: ServedFile, *, redirect: bool | None) -> Response:
    """What a GET or HEAD of the file gets. No browser runs what is in it, nor shows it within our pages.

    Raises ProblemError (410) where the store has lost it, and ArtifactError where that cannot be read now.
    """
    headers = _headers(file)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if redirect or (redirect is None and resources.settings.signed_downloads):
        url = resources.store.signed_url(file.uri, seconds=SIGNED_SECONDS, filename=file.safe_name)
        if url is not None:
            return RedirectResponse(url, 307, headers={"Cache-Control": "no-store"})
    try:
        wanted = _wanted(request, file, headers["ETag"])
    except UnsatisfiableRangeError as error:
        problem = ProblemError(416, "range-not-satisfiable", str(error))
        return response(request, problem, {"Content-Range": f"bytes */{file.size_bytes}"})
    if wanted is not None:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{file.size_bytes}"
    status, part = (200, range(file.size_bytes)) if wanted is None else (206, wanted)
    headers["Content-Length"] = str(len(part))
    content = _opened(resources, file)
    if request.method == "HEAD":
        content.close()
        return Response(status_code=status, headers=headers, media_type=file.media_type)
    return StreamingResponse(_chunks(content, part), status, headers=headers, media_type=file.media_type)


def _served(row: Any, name: str, media_type: str) -> ServedFile:
    return ServedFile(
        uri=row.uri, sha256=row.sha256, size_bytes=row.size_bytes, name=name, media_type=media_type
    )


def _headers(file: ServedFile) -> dict[str, str]:
    return {
        "ETag": f'"{file.sha256}"',
        "X-Checksum-SHA256": file.sha256,
        "Digest": f"sha-256={b64encode(bytes.fromhex(file.sha256)).decode()}",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{file.safe_name}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }


def _wanted(request: Request, file: ServedFile, etag: str) -> range | None:
    asked, condition = request.headers.get("range"), request.headers.get("if-range")
    return wanted_bytes(asked, condition, etag=etag, size_bytes=file.size_bytes)


def _opened(resources: Resources, file: ServedFile) -> BinaryIO:
    try:
        return resources.store.open(file.uri)
    except ArtifactMissingError as error:
        raise ProblemError(410, "file-missing", "the file is no longer in the artifact store") from error


def _chunks(file: BinaryIO, part: range) -> Iterator[bytes]:
    with file:
        file.seek(part.start)
        left = len(part)
        while left and (chunk := file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
