"""The page that puts any runs side by side, or says why that would not be fair."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from service.api.compare import Choice, Ids, chosen, compared
from service.api.comparison import Baseline
from service.api.dependencies import Reading, Res
from service.comparison import Comparison, IncomparableError
from service.comparison.across import findings_across
from service.comparison.figures import figures_of
from service.comparison.table import INTERVAL, definitions, table_of
from service.dashboard.experiment import ordered_columns
from service.dashboard.rendering import render
from service.db import queries
from service.db.models import Experiment, Job

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
OFFERED = 50


@router.get("/compare")
def show_comparison(
    request: Request,
    session: Reading,
    *,
    experiment: Ids = None,
    job: Ids = None,
    add: Annotated[str, Query(max_length=64)] = "",
    baseline: Baseline = "none",
) -> HTMLResponse:
    """The chosen runs: table, figures, and what differs in their settings."""
    experiments, jobs = _with(session, experiment or [], job or [], add.strip())
    choice = chosen(session, experiments, jobs) if experiments or jobs else None
    if choice is not None and baseline not in {run.label for run in choice.runs.runs}:
        baseline = "none"  # with one more its label may have become another
    comparison, refusal = (None, "") if choice is None else _compared(choice, baseline)
    labels, differing = ((), ()) if choice is None else choice.runs.differences()
    offered = queries.recent_experiments(session, limit=OFFERED)
    table = None if comparison is None else table_of(comparison)
    return render(
        request,
        "compare.html",
        choice=choice,
        offered=offered,
        comparison=comparison,
        table=table,
        columns=ordered_columns(table),
        interval=INTERVAL,
        definitions=() if comparison is None else definitions(comparison),
        figures_at="" if comparison is None else _figures_at(choice, baseline),
        refusal=refusal,
        labels=labels,
        differing=differing,
        baseline=baseline,
        without={each.id: _without(choice, each.id) for each in _rows(choice)},
    )


@router.get("/compare/figures")
def show_compared_figures(
    request: Request,
    session: Reading,
    resources: Res,
    *,
    experiment: Ids = None,
    job: Ids = None,
    baseline: Baseline = "none",
) -> HTMLResponse:
    """The figures alone, for the page to fetch."""
    choice = chosen(session, experiment or [], job or [])
    try:
        findings = findings_across(session, resources.store, choice.runs, baseline=baseline)
    except IncomparableError:
        return render(request, "figures.html", figures=())
    return render(request, "figures.html", figures=figures_of(findings))


def _with(session: Session, experiments: list[str], jobs: list[str], add: str) -> tuple[list[str], list[str]]:
    """What was chosen, with one more: an experiment or else a job of that id."""
    if not add:
        return experiments, jobs
    try:
        return [*experiments, queries.get_experiment(session, add).id], jobs
    except queries.NotFoundError:
        return experiments, [*jobs, queries.get_job(session, add).id]


def _compared(choice: Choice, baseline: str) -> tuple[Comparison | None, str]:
    try:
        return compared(choice, baseline), ""
    except IncomparableError as error:
        return None, str(error)


def _rows(choice: Choice | None) -> list[Experiment | Job]:
    return [] if choice is None else [*choice.experiments, *choice.jobs]


def _without(choice: Choice | None, left_out: str) -> str:
    """The address of the page without one of the chosen."""
    return "/compare?" + urlencode([pair for pair in _pairs(choice) if pair[1] != left_out])


def _figures_at(choice: Choice | None, baseline: str) -> str:
    return "/compare/figures?" + urlencode([*_pairs(choice), ("baseline", baseline)])


def _pairs(choice: Choice | None) -> list[tuple[str, str]]:
    """What was chosen, as an address has it."""
    assert choice is not None
    return [
        *(("experiment", each.id) for each in choice.experiments),
        *(("job", each.id) for each in choice.jobs),
    ]
