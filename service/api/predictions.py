"""Boxes in a user's own pictures, found by what a job has trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from frs_core.datasets.roots import named_outside
from frs_core.errors import PictureError
from frs_core.prediction.pictures import check_place, pictures_in, read_pictures
from frs_core.spec import JobSpec, Picture, PredictSpec, ResourcesSpec
from frs_core.spec.base import Name
from frs_core.spec.predict import Runtime, ScoreThreshold
from service.access.caller import Caller
from service.api.access import CallerDep
from service.api.bodies import of_body, read_json, validated
from service.api.dependencies import Res, Resources
from service.api.job_views import JobDetail
from service.api.jobs import job_detail
from service.api.multipart import MEDIA_TYPE, read_form
from service.api.problems import ProblemError, clean, fault, invalid
from service.api.submission import IdempotencyHeader, Submitted, submit
from service.api.uploads import MAX_UPLOADS, Uploads
from service.db import queries
from service.db.models import Checkpoint, Job
from service.db.types import new_id
from service.jobs.errands import submit_errand

router = APIRouter(prefix="/jobs", tags=["jobs"])
ONNX_ARTIFACT = "model.onnx"
MAX_CHECKED = 100
"""Of the pictures at a path so many are looked at before the job is queued; the worker looks at all."""


class PredictRequest(BaseModel):
    """What to find boxes in, and how. `path` is a picture, or a folder of them, that the workers can read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    path: str | None = Field(default=None, min_length=1, max_length=4096)
    score_threshold: ScoreThreshold = 0.3
    runtime: Runtime = "torch"
    name: Name | None = None
    submitted_by: Name | None = None


class Wish(NamedTuple):
    """A request with the pictures that came with it."""

    request: PredictRequest
    uploads: Uploads


def _described() -> dict[str, Any]:
    """The two forms of the body, for the OpenAPI document."""
    plain = PredictRequest.model_json_schema()
    files = {"type": "array", "maxItems": MAX_UPLOADS, "items": {"type": "string", "format": "binary"}}
    form = {**plain, "properties": {**plain["properties"], "images": files}}
    return {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": form}, "application/json": {"schema": plain}},
    }


async def _wish(request: Request) -> Wish:
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return Wish(request=validated(PredictRequest, read_json(await request.body())), uploads=Uploads())
    if media_type != MEDIA_TYPE:
        message = f"send pictures as {MEDIA_TYPE}, or a path as application/json"
        raise ProblemError(415, "unsupported-media-type", f"Content-Type is {media_type[:100]!r}: {message}")
    parts = read_form(content_type, await request.body())
    fields: dict[str, str] = {}
    for part in parts:
        if part.name != "images":
            if part.name in fields:
                raise invalid(fault(part.name, "is given twice; keep one of them"))
            fields[part.name] = part.text
    pictures = [(part.filename or "", part.content) for part in parts if part.name == "images"]
    return Wish(request=validated(PredictRequest, fields), uploads=Uploads(pictures))


@router.post(
    "/{job_id}/predict",
    status_code=202,
    responses={200: {"model": JobDetail}},
    openapi_extra={"requestBody": _described()},
)
def predict(
    resources: Res,
    caller: CallerDep,
    *,
    job_id: str,
    wish: Annotated[Wish, Depends(_wish)],
    response: Response,
    key: IdempotencyHeader = None,
) -> JobDetail:
    """Queue a job that finds boxes in pictures with the weights of this one: in `images`, or at `path`.

    Its artifacts are `predictions.json`, a COCO document, and `drawn/<name>.jpg`. `runtime` onnx runs the
    job's ONNX file instead of PyTorch. `Idempotency-Key` works as for experiments.
    """
    _check_source(resources, wish)
    pictures = wish.uploads.checked()
    new = new_id()
    with resources.read() as session:
        spec = _spec(session, queries.get_job(session, job_id), wish.request, pictures)
    submitted = _submitted(resources, caller, spec, wish.uploads, key=key, new=new)
    submitted.mark(response, 202)
    with resources.read() as session:
        return job_detail(session, queries.get_job(session, submitted.id))


def _submitted(
    resources: Resources, caller: Caller, spec: PredictSpec, uploads: Uploads, *, key: str | None, new: str
) -> Submitted:
    """Store the pictures and queue the job, or neither."""
    submitted: Submitted | None = None
    try:
        submitted = submit(
            resources,
            spec,
            key,
            check=lambda: uploads.store(resources.store, new),
            write=lambda session, _, idempotency: submit_errand(
                session,
                spec,
                job_id=new,
                files=uploads.stored,
                idempotency=idempotency,
                max_attempts=resources.settings.max_attempts,
                owner=caller,
            ),
        )
        return submitted
    finally:
        if submitted is None or submitted.id != new:
            uploads.forget(resources.store)


def _check_source(resources: Resources, wish: Wish) -> None:
    path = wish.request.path
    if (path is None) == (not wish.uploads.pictures):
        raise invalid(fault("images", "give pictures as `images`, or a `path` to some: one of the two"))
    if path is None:
        return
    if clean(path, len(path)) != path:
        raise invalid(fault("path", "holds characters that cannot be stored; remove them", path))
    if not PurePosixPath(path).is_absolute():
        raise invalid(
            fault("path", "give an absolute path: the server does not know what it is relative to", path)
        )
    settings = resources.settings
    if not settings.datasets_visible:
        if named_outside(path, settings.dataset_roots):
            raise invalid(fault("path", "lies outside FRS_DATASET_ROOTS; move the pictures there", path))
        return
    try:
        check_place(path, settings.dataset_roots)
        for _ in read_pictures(pictures_in(Path(path))[:MAX_CHECKED]):
            pass
    except PictureError as error:
        raise invalid(fault("path", str(error), path)) from error


def _spec(session: Session, job: Job, request: PredictRequest, pictures: Sequence[Picture]) -> PredictSpec:
    weights = _weights(session, job)
    source = _source(job)
    model = {"checkpoint": weights.id} if request.runtime == "torch" else {"onnx": _onnx(session, job)}
    try:
        return PredictSpec(
            name=request.name or f"predict with {job.name}"[:120],
            detector=source.detector,
            classes=tuple(weights.details["classes"]),
            input_size=source.input_size,
            runtime=request.runtime,
            score_threshold=request.score_threshold,
            pictures=tuple(pictures),
            path=request.path,
            resources=ResourcesSpec(gpus=min(1, source.resources.gpus)),
            submitted_by=request.submitted_by,
            **model,
        )
    except ValidationError as error:
        raise of_body(error) from error


def _source(job: Job) -> JobSpec:
    try:
        return JobSpec.model_validate(job.spec)
    except ValidationError as error:
        raise _conflict(
            "unreadable-job", f"this version cannot read the specification of job {job.id}"
        ) from error


def _weights(session: Session, job: Job) -> Checkpoint:
    rows = [row for row in queries.job_checkpoints(session, job.id) if row.kind == "weights"]
    if not rows:
        raise _conflict(
            "no-weights",
            f"job {job.id} has no weights: it is {job.state}, of kind {job.kind}; "
            "name a job that has trained or evaluated a detector and succeeded",
        )
    if not isinstance(rows[-1].details, Mapping) or not rows[-1].details.get("classes"):
        raise _conflict("no-classes", f"the weights of job {job.id} do not say what their classes are called")
    return rows[-1]


def _onnx(session: Session, job: Job) -> str:
    for row in queries.job_artifacts(session, job.id):
        if row.name == ONNX_ARTIFACT:
            return row.id
    raise _conflict("no-onnx", f"job {job.id} has no {ONNX_ARTIFACT}: give runtime torch")


def _conflict(code: str, detail: str) -> ProblemError:
    return ProblemError(409, code, detail)
