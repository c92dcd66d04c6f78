"""Experiments: submit, list, look at, change, archive, delete."""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator
from sqlalchemy.orm import Session

from frs_core.spec import ExperimentSpec
from service.api import intake
from service.api.bodies import JsonRoute
from service.api.dependencies import Cursor, Limit, Reading, Res, Writing, json_only, no_null
from service.api.problems import ProblemError
from service.api.schemas import (
    ExperimentChange,
    ExperimentDetail,
    ExperimentSummary,
    Notice,
    Page,
    dataset_notices,
)
from service.api.submission import IdempotencyHeader, submit
from service.artifacts import ArtifactError
from service.db import experiments as changes
from service.db import queries
from service.db.models import Event, Experiment
from service.db.needs import unmet_needs
from service.jobs.submit import submit_experiment
from service.records.write import IMPORTED

router = APIRouter(prefix="/experiments", route_class=JsonRoute, tags=["experiments"])
State = Literal["queued", "running", "paused", "failed", "blocked", "cancelled", "succeeded"]
Label = Annotated[str | None, Query(max_length=200), AfterValidator(no_null)]
_log = structlog.get_logger(__name__)


@router.post(
    "", status_code=201, dependencies=[Depends(json_only)], responses={200: {"model": ExperimentDetail}}
)
def create_experiment(
    resources: Res, spec: ExperimentSpec, response: Response, key: IdempotencyHeader = None
) -> ExperimentDetail:
    """Check the specification and the data set, expand it into jobs and queue them.

    A repeat with the same `Idempotency-Key` and body answers 200 with `Idempotency-Replayed: true`.
    """
    settings = resources.settings
    submitted = submit(
        resources,
        spec,
        key,
        check=lambda: intake.check_experiment(spec, settings),
        write=lambda session, report, idempotency: submit_experiment(
            session,
            spec,
            dataset_report=report,
            preflight=report is None,
            idempotency=idempotency,
            max_attempts=settings.max_attempts,
        ),
    )
    submitted.mark(response)
    with resources.read() as session:
        return experiment_detail(session, queries.get_experiment(session, submitted.id))


@router.get("")
def list_experiments(
    session: Reading,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: State | None = None,
    tag: Label = None,
    submitted_by: Label = None,
    archived: bool = False,
) -> Page[ExperimentSummary]:
    """Experiments, newest first; the archived ones only where asked for."""
    page = queries.list_experiments(
        session,
        limit=limit,
        cursor=cursor,
        state=state,
        tag=tag,
        submitted_by=submitted_by,
        archived=archived,
    )
    return Page(items=tuple(map(ExperimentSummary.of, page.items)), next_cursor=page.next_cursor)


@router.get("/{experiment_id}")
def get_experiment(session: Reading, experiment_id: str) -> ExperimentDetail:
    """One experiment with its jobs, by its id or a unique prefix of four characters or more."""
    return experiment_detail(session, queries.get_experiment(session, experiment_id))


@router.patch("/{experiment_id}", dependencies=[Depends(json_only)])
def change_experiment(session: Writing, experiment_id: str, change: ExperimentChange) -> ExperimentDetail:
    """Change name, tags or the `submitted_by` label."""
    experiment = queries.get_experiment(session, experiment_id)
    if change.name is not None:
        experiment.name = change.name
    if change.submitted_by is not None:
        experiment.submitted_by = change.submitted_by
        for job in experiment.jobs:
            job.submitted_by = change.submitted_by
    if change.tags is not None:
        changes.set_tags(session, experiment.id, change.tags)
    return _changed(session, experiment, "was changed")


@router.post("/{experiment_id}/archive")
def archive_experiment(session: Writing, experiment_id: str) -> ExperimentDetail:
    """Take the experiment out of the usual lists. Nothing is lost."""
    experiment = queries.get_experiment(session, experiment_id)
    changes.set_archived(session, experiment.id, archived=True)
    return _changed(session, experiment, "was archived")


@router.post("/{experiment_id}/unarchive")
def unarchive_experiment(session: Writing, experiment_id: str) -> ExperimentDetail:
    """Put the experiment back into the usual lists."""
    experiment = queries.get_experiment(session, experiment_id)
    changes.set_archived(session, experiment.id, archived=False)
    return _changed(session, experiment, "was put back")


@router.delete("/{experiment_id}", status_code=204)
def delete_experiment(resources: Res, experiment_id: str) -> Response:
    """Delete the experiment with all that its jobs recorded and stored; 409 while a job runs."""
    try:
        with resources.write.begin() as session:
            experiment = queries.get_experiment(session, experiment_id)
            uris = changes.delete_experiment(session, experiment.id)
            message = f"{experiment.name} was deleted"
            session.add(Event(kind="experiment.deleted", message=message, data={"id": experiment.id}))
    except changes.ExperimentRunningError as error:
        raise ProblemError(409, "experiment-running", str(error)) from error
    for uri in uris:
        try:
            resources.store.delete(uri)
        except (ArtifactError, OSError) as error:
            _log.warning("file.orphaned", uri=uri, error=str(error))
    return Response(status_code=204)


def _changed(session: Session, experiment: Experiment, what: str) -> ExperimentDetail:
    message = f"{experiment.name} {what}"
    session.add(Event(experiment_id=experiment.id, kind="experiment.changed", message=message))
    return fresh_detail(session, experiment)


def fresh_detail(session: Session, experiment: Experiment) -> ExperimentDetail:
    """The view of a row after its jobs have changed."""
    session.flush()
    session.expire_all()
    return experiment_detail(session, queries.get_experiment(session, experiment.id))


def experiment_detail(session: Session, experiment: Experiment) -> ExperimentDetail:
    """The view of a row whose jobs and tags are loaded, with what its jobs warned of and what they wait for.

    What the data set's report says already is not said again by every job.
    """
    said = {(notice.code, notice.field) for notice in dataset_notices(experiment.dataset_report)}
    notices = (_notice(name, event) for name, event in queries.experiment_warnings(session, experiment.id))
    return ExperimentDetail.from_row(
        experiment,
        [
            *_imported(session, experiment),
            *_unmet(session, experiment),
            *(notice for notice in notices if (notice.code, notice.field) not in said),
        ],
    )


def _imported(session: Session, experiment: Experiment) -> list[Notice]:
    """That it was, of an experiment that did not run here."""
    found = queries.experiment_event(session, experiment.id, IMPORTED)
    return [] if found is None else [Notice(source="import", code="imported", message=found.message)]


def _unmet(session: Session, experiment: Experiment) -> list[Notice]:
    """One notice for each need that no worker meets."""
    needs = unmet_needs(session, experiment.jobs)
    names: dict[str, list[str]] = {}
    for job in experiment.jobs:
        if job.id in needs:
            names.setdefault(needs[job.id], []).append(job.name)
    return [
        Notice(
            source=waiting[0],
            code="no_worker",
            message=message,
            count=len(waiting),
            examples=tuple(waiting[:5]),
        )
        for message, waiting in names.items()
    ]


def _notice(job_name: str, event: Event) -> Notice:
    details = event.data.get("details", {})
    return Notice(
        source=job_name,
        code=str(event.data.get("code", "")),
        message=event.message,
        field=details.get("field"),
        count=event.data.get("count", 1),
        examples=tuple(details.get("examples", ())),
    )
