"""The page of one experiment: the answer first, then what it rests on, then its jobs."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from service import reports
from service.api.dependencies import Reading, Res
from service.api.experiments import experiment_detail
from service.api.files import checkpoint_view
from service.api.records import CheckpointView
from service.comparison import Comparison, IncomparableError
from service.comparison.figures import figures_of
from service.comparison.load import comparison_of, findings_of
from service.comparison.table import BEST, INTERVAL, Table, definitions, table_of
from service.dashboard.rendering import render
from service.db import queries, trail
from service.db.live import settled_event_id
from service.db.models import Experiment
from service.db.retention import policy_of
from service.db.states import JobState

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Baseline = Annotated[str, Query(max_length=200)]
_FIRST = ("n", "AP", "Δ AP", "gap closed", "expected AP", BEST)
MAX_CHANGES = 20
_SHOWN = {*_FIRST, INTERVAL}


@router.get("/experiments/{experiment_id}")
def show_experiment(
    request: Request, session: Reading, experiment_id: str, baseline: Baseline = "none"
) -> HTMLResponse:
    """One experiment: its verdict, table and figures, warnings and jobs."""
    last_event_id = settled_event_id(session)
    experiment = queries.get_experiment(session, experiment_id)
    comparison, reason = _comparison(session, experiment, baseline)
    table = None if comparison is None else table_of(comparison)
    return render(
        request,
        "experiment.html",
        experiment=experiment_detail(session, experiment),
        comparison=comparison,
        why_no_comparison=reason,
        table=table,
        columns=ordered_columns(table),
        definitions=() if comparison is None else definitions(comparison),
        interval=INTERVAL,
        baseline=baseline,
        figures_version=_version(experiment, comparison),
        formats=reports.names(),
        files=_files(session, [job.id for job in experiment.jobs]),
        priorities={job.id: job.priority for job in experiment.jobs},
        policy=policy_of(session, experiment.id),
        history=trail.last_of(session, "experiment", experiment.id, limit=MAX_CHANGES),
        last_event_id=last_event_id,
    )


@router.get("/experiments/{experiment_id}/figures")
def show_figures(
    request: Request, session: Reading, resources: Res, experiment_id: str, baseline: Baseline = "none"
) -> HTMLResponse:
    """The figures alone, for the page to fetch when they come into view."""
    experiment = queries.get_experiment(session, experiment_id)
    try:
        findings = findings_of(session, resources.store, experiment.id, baseline=baseline)
    except IncomparableError:
        return render(request, "figures.html", figures=())  # the page itself says why
    return render(request, "figures.html", figures=figures_of(findings))


def _comparison(session: Session, experiment: Experiment, baseline: str) -> tuple[Comparison | None, str]:
    """The comparison, or why there is none yet."""
    if not any(job.state is JobState.SUCCEEDED for job in experiment.jobs):
        return None, "Nothing to compare yet: no job has succeeded."
    try:
        return comparison_of(session, experiment.id, baseline=baseline), ""
    except IncomparableError as error:
        return None, str(error)


def _version(experiment: Experiment, comparison: Comparison | None) -> str:
    """Another one whenever the figures would be others."""
    told = [
        (job.id, job.state.value, job.epoch if job.state is JobState.RUNNING else 0)
        for job in experiment.jobs
    ]
    intervals = [] if comparison is None else [row.delta_ap_interval for row in comparison.rows]
    return sha256(repr((told, intervals)).encode()).hexdigest()[:16]


def ordered_columns(table: Table | None) -> list[str]:
    """The answer first, for narrow screens; the interval stands below its difference."""
    titles = () if table is None else table.columns
    return [
        *(title for title in _FIRST if title in titles),
        *(title for title in titles if title not in _SHOWN),
    ]


def _files(session: Session, job_ids: Sequence[str]) -> dict[str, list[CheckpointView]]:
    """By job, the last of each kind that people use."""
    last = {
        (row.job_id, row.kind): row
        for row in queries.jobs_checkpoints(session, job_ids)
        if row.kind != CheckpointKind.STATE
    }
    found: dict[str, list[CheckpointView]] = {}
    for row in last.values():
        found.setdefault(row.job_id, []).append(checkpoint_view(row))
    return found
