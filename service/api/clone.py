"""Submits what was submitted before, with changes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from frs_core.spec import ExperimentSpec, JobSpec
from frs_core.spec.dataset import as_written
from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Res, json_only
from service.api.experiment_views import ExperimentDetail
from service.api.experiments import create_experiment
from service.api.job_views import JobDetail
from service.api.jobs import create_job
from service.api.problems import ProblemError
from service.api.submission import IdempotencyHeader
from service.db import queries
from service.db.models import Job

router = APIRouter(route_class=JsonRoute, tags=["control"])
SpecT = TypeVar("SpecT", ExperimentSpec, JobSpec)


class CloneBody(BaseModel):
    """`changes` are merged in as RFC 7396 says: null removes a key, lists are replaced as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: dict[str, Any] = Field(default_factory=dict)


@router.post(
    "/experiments/{experiment_id}/clone",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={200: {"model": ExperimentDetail}},
)
def clone_experiment(
    resources: Res,
    caller: CallerDep,
    *,
    experiment_id: str,
    body: CloneBody,
    response: Response,
    key: IdempotencyHeader = None,
) -> ExperimentDetail:
    """Submit the experiment's specification anew, with changes. What would be the same training is reused."""
    with resources.read() as session:
        plain = queries.get_experiment(session, experiment_id).spec
    return create_experiment(resources, caller, _changed(ExperimentSpec, plain, body), response, key)


@router.post(
    "/jobs/{job_id}/clone",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={200: {"model": JobDetail}},
)
def clone_job(
    resources: Res,
    caller: CallerDep,
    *,
    job_id: str,
    body: CloneBody,
    response: Response,
    key: IdempotencyHeader = None,
) -> JobDetail:
    """Submit the job's specification anew, with changes, as a job that belongs to no experiment.

    It learns from the weights that the first one's teacher stored: 409 while there are none.
    """
    with resources.read() as session:
        job = queries.get_job(session, job_id)
        plain = _with_teachers_weights(session, job)
    return create_job(resources, caller, _changed(JobSpec, plain, body), response, key)


def _with_teachers_weights(session: Session, job: Job) -> dict[str, Any]:
    if job.kind in ("predict", "plan", "score", "import"):
        raise ProblemError(409, "not-cloned", f"a job of kind {job.kind} is not cloned: ask for it anew")
    teacher = job.spec.get("teacher")
    if not teacher or teacher.get("checkpoint"):
        return job.spec
    for other in queries.job_dependencies(session, job.id):
        for row in queries.job_checkpoints(session, other):
            if row.kind == CheckpointKind.WEIGHTS and session.get_one(Job, other).role == "teacher":
                return {**job.spec, "teacher": {**teacher, "checkpoint": row.id}}
    raise ProblemError(
        409, "no-teacher", f"the teacher of {job.name} has stored no weights yet: wait until it has succeeded"
    )


def _changed(kind: type[SpecT], plain: Mapping[str, Any], body: CloneBody) -> SpecT:
    """Raises RequestValidationError, whose places are those of the changed specification."""
    try:
        return kind.model_validate(merged(_as_written(plain), body.changes))
    except ValidationError as error:
        raise _relocated(error) from error


def _as_written(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Of a registered data set only the name: with another name the rest would be wrong."""
    return {**plain, "dataset": as_written(plain["dataset"])} if "dataset" in plain else dict(plain)


def _relocated(error: ValidationError) -> RequestValidationError:
    return RequestValidationError(
        [{**item, "loc": ("body", "changes", *item["loc"])} for item in error.errors()]
    )


def merged(plain: Any, changes: Any) -> Any:
    """A JSON merge patch (RFC 7396).

    >>> merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None, "e": 3}, "d": [2]})
    {'a': {'c': 2, 'e': 3}, 'd': [2]}
    """
    if not isinstance(changes, dict):
        return changes
    result = dict(plain) if isinstance(plain, Mapping) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
