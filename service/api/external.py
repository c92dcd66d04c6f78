"""Rows of a comparison that were made elsewhere and are judged here: predictions, or a checkpoint."""

import hashlib
import json
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from frs_core.spec import DetectorSpec, ExperimentSpec, JobKind, JobSpec, ScoreSpec, canonical_hash
from frs_core.spec.base import Name
from frs_core.spec.score import Line
from frs_core.weights.reference import Reference
from service.api import intake
from service.api.bodies import of_body, read_json, validated
from service.api.dependencies import Res, Resources, RowLabel
from service.api.job_views import JobDetail
from service.api.jobs import job_detail
from service.api.multipart import MEDIA_TYPE, read_form
from service.api.problems import ProblemError, fault, invalid
from service.api.submission import IdempotencyHeader, Submitted, submit
from service.api.uploads import put
from service.artifacts import remove_unnamed
from service.db import queries
from service.db.models import Experiment
from service.db.outside import remove_external
from service.db.types import new_id
from service.jobs.errands import InputFile
from service.jobs.external import submit_external

router = APIRouter(prefix="/experiments", tags=["comparison"])
FILE = "inputs/predictions.json"


class ExternalCheckpoint(BaseModel):
    """A detector trained elsewhere: a path on the workers, a stored id, an address or `zoo`.

    `detector` is the experiment's student where it is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Name
    checkpoint: Reference
    detector: DetectorSpec | None = None


class ExternalPredictions(BaseModel):
    """Boxes found elsewhere; they come as the file `predictions` of a form. `note` says where from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Name
    note: Line | None = None


MAX_COMMAS, MAX_LISTS = 16_000_000, 2_000_000
"""So that reading a file that only looks like predictions does not fill the memory."""


def _document_or_nothing(item: dict[str, Any]) -> dict[str, Any] | None:
    """What is not a whole document need not be kept: the worker checks each entry."""
    return item if "annotations" in item else None


class Wish:
    """What is to be judged: a checkpoint, or predictions with the bytes of their file."""

    def __init__(self, body: ExternalCheckpoint | ExternalPredictions, content: bytes = b"") -> None:
        self.body, self.content = body, content
        self.stored: list[InputFile] = []

    def spec(self, experiment: ExperimentSpec) -> JobSpec | ScoreSpec:
        """The job that judges it as the experiment's own rows are. Raises ValidationError."""
        if isinstance(self.body, ExternalPredictions):
            return ScoreSpec(
                name=self.body.label,
                dataset=experiment.dataset,
                predictions=FILE,
                sha256=hashlib.sha256(self.content).hexdigest(),
                note=self.body.note,
                submitted_by=experiment.submitted_by,
            )
        return JobSpec(
            kind=JobKind.EVALUATE,
            name=self.body.label,
            dataset=experiment.dataset,
            input_size=experiment.input_size,
            detector=self.body.detector or experiment.student.detector,
            checkpoint=self.body.checkpoint,
            resources=experiment.resources,
            submitted_by=experiment.submitted_by,
        )

    def check(self, resources: Resources) -> None:
        """Raises ProblemError (422) for what no worker could judge."""
        if isinstance(self.body, ExternalCheckpoint):
            intake.check_weights(self.body.checkpoint, resources.settings)
            return
        if self.content.count(b",") > MAX_COMMAS or self.content.count(b"[") > MAX_LISTS:
            message = "more detections than any data set needs: keep the 100 best of each class and image"
            raise invalid(fault("predictions", message))
        try:
            found = json.loads(self.content, object_hook=_document_or_nothing)
        except (ValueError, RecursionError) as error:
            raise invalid(fault("predictions", f"the file is not JSON: {error}")) from error
        items = found.get("annotations") if isinstance(found, dict) else found
        if not isinstance(items, list):
            message = "give COCO's results, a list of {image_id, category_id, bbox, score}"
            raise invalid(fault("predictions", message))

    def store(self, resources: Resources, job_id: str) -> None:
        """Put the file into the store, if there is one."""
        if isinstance(self.body, ExternalPredictions):
            self.stored = [put(resources.store, job_id, FILE, self.content)]

    def forget(self, resources: Resources) -> None:
        """Take it out again, of a job that was not written."""
        remove_unnamed(resources.store, [stored.uri for stored in self.stored])


def _described() -> dict[str, Any]:
    """The two forms of the body, for the OpenAPI document."""
    form = ExternalPredictions.model_json_schema()
    form["properties"]["predictions"] = {"type": "string", "format": "binary"}
    form["required"] = [*form["required"], "predictions"]
    plain = {
        "type": "object",
        "required": ["label", "checkpoint"],
        "properties": {
            "label": {"type": "string"},
            "checkpoint": {"type": "string", "description": "A path, a stored id, an https address, or zoo"},
            "detector": {"type": "object", "description": "As in an experiment; default: its student's"},
        },
    }
    return {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": form}, "application/json": {"schema": plain}},
    }


async def _wish(request: Request) -> Wish:
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return Wish(validated(ExternalCheckpoint, read_json(await request.body())))
    if media_type != MEDIA_TYPE:
        message = f"send predictions as {MEDIA_TYPE}, or a checkpoint as application/json"
        raise ProblemError(415, "unsupported-media-type", f"Content-Type is {media_type[:100]!r}: {message}")
    fields: dict[str, str] = {}
    files: list[bytes] = []
    for part in read_form(content_type, await request.body()):
        if part.name in fields or (part.name == "predictions" and files):
            raise invalid(fault(part.name, "is given twice; keep one of them"))
        if part.name == "predictions":
            files.append(part.content)
        else:
            fields[part.name] = part.text
    body = validated(ExternalPredictions, fields)
    if not files:
        raise invalid(fault("predictions", "required, and absent; add the file"))
    return Wish(body, files[0])


@router.post(
    "/{experiment_id}/external",
    status_code=202,
    responses={200: {"model": JobDetail}},
    openapi_extra={"requestBody": _described()},
)
def add_external(
    resources: Res,
    experiment_id: str,
    wish: Annotated[Wish, Depends(_wish)],
    response: Response,
    key: IdempotencyHeader = None,
) -> JobDetail:
    """Judge predictions or a checkpoint that were made elsewhere, as a row of the comparison.

    The row is marked as external: how it was trained is not known, so it makes no claim. Image and category
    ids of predictions are those of the artifact `ground_truth_<split>.json`; a COCO document with `images`
    and `categories` is matched by file name and class. `Idempotency-Key` works as for experiments.
    """
    with resources.read() as session:
        experiment = queries.get_experiment(session, experiment_id)
        full_id, specification = experiment.id, _specification(experiment)
    try:
        spec = wish.spec(specification)
    except ValidationError as error:
        raise of_body(error) from error
    submitted = _submitted(resources, full_id, wish, spec, key)
    submitted.mark(response, 202)
    with resources.read() as session:
        return job_detail(session, queries.get_job(session, submitted.id))


def _specification(experiment: Experiment) -> ExperimentSpec:
    try:
        found = ExperimentSpec.model_validate(experiment.spec)
    except ValidationError as error:
        message = f"this version cannot read the specification of {experiment.name}"
        raise ProblemError(409, "unreadable-experiment", message) from error
    dataset = found.dataset
    if dataset.root and dataset.uploaded_id is None and not PurePath(dataset.root).is_absolute():
        message = (
            f"{experiment.name} was imported, and where its data are is not known: nothing can be judged"
        )
        raise ProblemError(409, "imported", message)
    return found


def _submitted(
    resources: Resources, experiment_id: str, wish: Wish, spec: JobSpec | ScoreSpec, key: str | None
) -> Submitted:
    """Store the file and queue the job, or neither."""
    new = new_id()

    def check() -> None:
        wish.check(resources)
        wish.store(resources, new)

    submitted: Submitted | None = None
    try:
        submitted = submit(
            resources,
            spec,
            key,
            check=check,
            write=lambda session, _, idempotency: submit_external(
                session,
                experiment_id,
                spec,
                label=wish.body.label,
                job_id=new,
                files=wish.stored,
                idempotency=_of_experiment(experiment_id, idempotency),
                max_attempts=resources.settings.max_attempts,
            ),
        )
        return submitted
    finally:
        if submitted is None or submitted.id != new:
            wish.forget(resources)


def _of_experiment(experiment_id: str, idempotency: tuple[str, str] | None) -> tuple[str, str] | None:
    """The same body is another request where it is sent to another experiment."""
    if idempotency is None:
        return None
    key, body = idempotency
    return key, canonical_hash({"experiment": experiment_id, "body": body})


@router.delete("/{experiment_id}/external/{label:path}", status_code=204)
def delete_external(resources: Res, experiment_id: str, label: RowLabel) -> Response:
    """Take the row away with all that its job recorded and stored; 409 while the job runs."""
    with resources.write.begin() as session:
        experiment = queries.get_experiment(session, experiment_id)
        uris = remove_external(session, experiment.id, label)
    remove_unnamed(resources.store, uris)
    return Response(status_code=204)
