"""Checkpoints and artifacts: what there is, and the bytes."""

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from service.api.dependencies import Reading, Res, Resources
from service.api.problems import ProblemError
from service.api.records import ArtifactView, CheckpointView
from service.api.schemas import Page
from service.artifacts import ArtifactMissingError
from service.artifacts.base import CHUNK_BYTES
from service.db import queries
from service.db.models import Artifact, Checkpoint
from service.db.types import is_id

router = APIRouter(tags=["files"])
_SUFFIXES = {"weights": "safetensors", "best": "safetensors"}
_UNSAFE = re.compile(r"[^\w.+=-]+", re.ASCII)
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


class _Stored(Protocol):
    uri: str
    sha256: str
    size_bytes: int


@router.get("/jobs/{job_id}/checkpoints")
def list_checkpoints(session: Reading, job_id: str) -> Page[CheckpointView]:
    """The job's stored checkpoints, by rising step."""
    job = queries.get_job(session, job_id)
    return Page(items=tuple(checkpoint_view(row) for row in queries.job_checkpoints(session, job.id)))


@router.get("/jobs/{job_id}/artifacts")
def list_artifacts(session: Reading, job_id: str) -> Page[ArtifactView]:
    """The job's other files, by name."""
    job = queries.get_job(session, job_id)
    return Page(items=tuple(_artifact_view(row) for row in queries.job_artifacts(session, job.id)))


@router.get("/checkpoints/{checkpoint_id}/download", responses={200: _BYTES}, response_class=Response)
def download_checkpoint(session: Reading, resources: Res, request: Request, checkpoint_id: str) -> Response:
    """The file itself. `ETag` and `X-Checksum-SHA256` are the hash that was verified when it was stored."""
    row = queries.get_checkpoint(session, checkpoint_id) if is_id(checkpoint_id) else None
    if row is None:
        raise queries.NotFoundError(f"there is no checkpoint {checkpoint_id[:64]!r}")
    name = f"{row.job_id}-{row.kind}-{row.step}.{_SUFFIXES.get(row.kind, 'pth')}"
    return _stream(resources, request, row, name, "application/octet-stream")


@router.get("/artifacts/{artifact_id}/download", responses={200: _BYTES}, response_class=Response)
def download_artifact(session: Reading, resources: Res, request: Request, artifact_id: str) -> Response:
    """The file itself, with its hash as for checkpoints."""
    row = queries.get_artifact(session, artifact_id) if is_id(artifact_id) else None
    if row is None:
        raise queries.NotFoundError(f"there is no artifact {artifact_id[:64]!r}")
    return _stream(resources, request, row, row.name, row.media_type)


def checkpoint_view(row: Checkpoint) -> CheckpointView:
    """The view of a row."""
    fields = {name: getattr(row, name) for name in CheckpointView.model_fields if name != "download"}
    return CheckpointView(**fields, download=f"/api/v1/checkpoints/{row.id}/download")


def _artifact_view(row: Artifact) -> ArtifactView:
    fields = {name: getattr(row, name) for name in ArtifactView.model_fields if name != "download"}
    return ArtifactView(**fields, download=f"/api/v1/artifacts/{row.id}/download")


def _stream(resources: Resources, request: Request, row: _Stored, name: str, media_type: str) -> Response:
    etag = f'"{row.sha256}"'
    headers = {
        "ETag": etag,
        "X-Checksum-SHA256": row.sha256,
        "Digest": f"sha-256={_base64(row.sha256)}",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        file = resources.store.open(row.uri)
    except ArtifactMissingError as error:
        raise ProblemError(410, "file-missing", "the file is no longer in the artifact store") from error
    headers["Content-Length"] = str(row.size_bytes)
    headers["Content-Disposition"] = f'attachment; filename="{_UNSAFE.sub("_", name)}"'
    return StreamingResponse(_chunks(file), headers=headers, media_type=media_type)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _base64(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode()
