"""Checkpoints and artifacts: what there is, and the bytes."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.dependencies import Reading, Res
from service.api.download import ANSWERS, Redirect, answer, artifact_file, checkpoint_file
from service.api.records import ArtifactView, CheckpointView
from service.api.views import Page
from service.db import queries
from service.db.models import Artifact, Checkpoint

router = APIRouter(tags=["files"])


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


@router.head("/checkpoints/{checkpoint_id}/download", include_in_schema=False)
@router.get("/checkpoints/{checkpoint_id}/download", responses=ANSWERS, response_class=Response)
def download_checkpoint(
    session: Reading, resources: Res, request: Request, checkpoint_id: str, redirect: Redirect = None
) -> Response:
    """The file itself, or the part that `Range` asks for.

    `ETag` and `X-Checksum-SHA256` are the hash that was verified when it was stored.
    """
    file = checkpoint_file(session, checkpoint_id)
    return answer(resources, request, file, redirect=redirect)


@router.head("/artifacts/{artifact_id}/download", include_in_schema=False)
@router.get("/artifacts/{artifact_id}/download", responses=ANSWERS, response_class=Response)
def download_artifact(
    session: Reading, resources: Res, request: Request, artifact_id: str, redirect: Redirect = None
) -> Response:
    """The file itself, with its hash and in parts as for checkpoints."""
    return answer(resources, request, artifact_file(session, artifact_id), redirect=redirect)


def checkpoint_view(row: Checkpoint) -> CheckpointView:
    """The view of a row."""
    fields = {name: getattr(row, name) for name in CheckpointView.model_fields if name != "download"}
    return CheckpointView(**fields, download=f"/api/v1/checkpoints/{row.id}/download")


def _artifact_view(row: Artifact) -> ArtifactView:
    fields = {name: getattr(row, name) for name in ArtifactView.model_fields if name != "download"}
    return ArtifactView(**fields, download=f"/api/v1/artifacts/{row.id}/download")
