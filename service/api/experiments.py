"""Experiments: submit, list, look at, change, archive, delete."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, AwareDatetime
from sqlalchemy.orm import Session

from frs_core.spec import ExperimentSpec
from service.api import intake
from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Limit, LongCursor, Reading, Res, Writing, json_only, no_null
from service.api.experiment_views import (
    ExperimentChange,
    ExperimentDetail,
    ListedExperiment,
    Notice,
    dataset_notices,
)
from service.api.problems import ProblemError
from service.api.refusals import also
from service.api.submission import IdempotencyHeader, submit
from service.api.submitted_data import known_data, with_data
from service.api.views import Page
from service.artifacts import remove_unnamed
from service.comparison.standing import refresh
from service.db import experiments as changes
from service.db import listing, queries
from service.db.listing import Direction, Filters, Order, Sort
from service.db.models import Event, Experiment
from service.db.needs import unmet_needs
from service.db.shares import held_back
from service.db.work import work_of
from service.jobs.submit import submit_experiment
from service.records.write import IMPORTED

router = APIRouter(prefix="/experiments", route_class=JsonRoute, tags=["experiments"])
State = Literal["queued", "running", "paused", "failed", "blocked", "cancelled", "succeeded"]
Label = Annotated[str | None, Query(max_length=200), AfterValidator(no_null)]
REFRESH_SECONDS = 20.0
"""A list waits so long until it can be complete."""


def asked_filters(
    *,
    archived: bool = False,
    search: Annotated[Label, Query(description="Part of a name, or the beginning of an id")] = None,
    name: Annotated[Label, Query(description="A whole name, whatever its case")] = None,
    since: Annotated[
        AwareDatetime | None, Query(description="Submitted at this moment or later; with its time zone")
    ] = None,
    state: State | None = None,
    tag: Label = None,
    dataset: Annotated[Label, Query(description="The last part of its root, or its format")] = None,
    method: Label = None,
    submitted_by: Label = None,
) -> Filters:
    """What a request asks for; FastAPI refuses what is none of these."""
    return Filters(
        archived=archived,
        search=search,
        name=name,
        since=since,
        state=state,
        tag=tag,
        dataset=dataset,
        method=method,
        submitted_by=submitted_by,
    )


@router.post(
    "",
    status_code=201,
    dependencies=[Depends(json_only)],
    responses={200: {"model": ExperimentDetail}, **also(409)},
)
def create_experiment(
    resources: Res, caller: CallerDep, spec: ExperimentSpec, response: Response, key: IdempotencyHeader = None
) -> ExperimentDetail:
    """Check the specification and the data set, expand it into jobs and queue them.

    A repeat with the same `Idempotency-Key` and body answers 200 with `Idempotency-Replayed: true`.
    """
    settings = resources.settings
    given, spec = spec, with_data(resources, spec, key)
    submitted = submit(
        resources,
        given,
        key,
        check=lambda: intake.check_experiment(spec, settings, known_data(resources, spec.dataset)),
        write=lambda session, report, idempotency: submit_experiment(
            session,
            spec,
            dataset_report=report,
            preflight=report is None,
            idempotency=idempotency,
            max_attempts=settings.max_attempts,
            owner=caller,
        ),
    )
    submitted.mark(response)
    with resources.read() as session:
        return experiment_detail(session, queries.get_experiment(session, submitted.id))


@router.get("")
def list_experiments(
    resources: Res,
    session: Reading,
    *,
    limit: Limit = 50,
    cursor: LongCursor = None,
    filters: Annotated[Filters, Depends(asked_filters)],
    sort: Sort = "created",
    direction: Direction | None = None,
) -> Page[ListedExperiment]:
    """Experiments, newest first unless `sort` says otherwise; the archived ones only where asked for.

    `ap` and `delta` are those of the experiment's best row. Without `direction` these two and `created` are
    sorted downwards, the others upwards; what has no value comes last.
    """
    if num_left := refresh(resources.read, resources.write, seconds=REFRESH_SECONDS):
        raise ProblemError(
            503,
            "counting",
            f"{num_left} experiments are still to be counted, as after an upgrade: ask again, until none is",
        )
    page = listing.list_experiments(session, filters, Order.of(sort, direction), limit=limit, cursor=cursor)
    work = work_of(session, [row.experiment_id for row in page.items])
    items = tuple(ListedExperiment.standing(row, work[row.experiment_id]) for row in page.items)
    return Page(items=items, next_cursor=page.next_cursor)


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
    remove_unnamed(resources.store, uris)
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
    """One notice for each need that no worker meets, and for each share of GPUs that is in use."""
    needs = {
        "no_worker": unmet_needs(session, experiment.jobs),
        "quota": held_back(session, experiment.jobs),
    }
    names: dict[tuple[str, str], list[str]] = {}
    for code, unmet in needs.items():
        for job in experiment.jobs:
            if job.id in unmet:
                names.setdefault((code, unmet[job.id]), []).append(job.name)
    return [
        Notice(source=waiting[0], code=code, message=message, count=len(waiting), examples=tuple(waiting[:5]))
        for (code, message), waiting in names.items()
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
