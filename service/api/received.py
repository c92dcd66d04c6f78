"""Receives a body too large for memory: written to a file as it comes, hashed, and removed afterwards."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from frs_core.archives import RECEIVED_PREFIX
from service.access.caller import Caller
from service.api.access import CallerDep
from service.api.dependencies import Resources
from service.api.problems import ProblemError, fault, invalid
from service.db.quotas import require_room

MEDIA_TYPES = (
    *("application/zip", "application/x-zip-compressed", "application/x-tar"),
    *("application/gzip", "application/x-gzip", "application/octet-stream"),
)
_FLUSH_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True)
class Received:
    """A whole body in a file."""

    path: Path
    sha256: str
    size_bytes: int


async def _received(request: Request, caller: CallerDep) -> AsyncIterator[Received]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        given = f"Content-Type is {media_type[:100] or 'nothing'}"
        message = f"send the archive itself as the body, as one of {', '.join(MEDIA_TYPES)}"
        raise ProblemError(415, "unsupported-media-type", f"{given}: {message}")
    resources = request.app.state.resources
    assert isinstance(resources, Resources)
    await run_in_threadpool(_check_room, resources, caller)
    path = await run_in_threadpool(_new_file, resources.settings.uploaded_dir)
    try:
        yield await _write(request, path)
    finally:
        path.unlink(missing_ok=True)


def _check_room(resources: Resources, caller: Caller) -> None:
    """Before anything is received. Raises QuotaError."""
    with resources.read() as session:
        require_room(session, caller.key_id)


def _new_file(folder: Path) -> Path:
    """Beside the data sets and not in a temporary folder, which may be in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=RECEIVED_PREFIX, dir=folder)
    os.close(descriptor)
    return Path(name)


async def _write(request: Request, path: Path) -> Received:
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    with path.open("wb") as file:

        def flush() -> None:
            digest.update(waiting)
            file.write(waiting)
            waiting.clear()

        async for chunk in request.stream():
            waiting += chunk
            size += len(chunk)
            if len(waiting) >= _FLUSH_BYTES:
                await run_in_threadpool(flush)
        await run_in_threadpool(flush)
    if not size:
        raise invalid(fault("body", "required, and empty; send the archive itself as the body"))
    return Received(path=path, sha256=digest.hexdigest(), size_bytes=size)


ReceivedDep = Annotated[Received, Depends(_received)]
"""The body in a file, which is gone when the request has been answered."""
