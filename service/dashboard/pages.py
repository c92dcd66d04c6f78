"""The pages. A live update fetches the page again and takes its changing part."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from service import reports
from service.api.dependencies import Reading
from service.api.experiments import Label, experiment_detail
from service.api.files import checkpoint_view
from service.api.records import CheckpointView
from service.api.schemas import ExperimentSummary
from service.comparison import Comparison, ComparisonRow, IncomparableError
from service.comparison.figure import delta_figure
from service.comparison.load import comparison_of
from service.comparison.table import INTERVAL, Table, definitions, table_of
from service.dashboard.rendering import render
from service.db import queries
from service.db.live import settled_event_id
from service.db.models import Experiment
from service.db.states import JobState

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PAGE_SIZE = 50
_FIRST = ("n", "AP", "Δ AP", "gap closed", "expected AP")
_SHOWN = {*_FIRST, INTERVAL}


@router.get("/")
def show_experiments(
    request: Request,
    session: Reading,
    tag: Label = None,
    archived: bool = False,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """All experiments, newest first."""
    last_event_id = settled_event_id(session)
    page = queries.list_experiments(session, limit=PAGE_SIZE, cursor=cursor, tag=tag, archived=archived)
    rows = [{"experiment": ExperimentSummary.of(row), "best": _best(session, row)} for row in page.items]
    return render(
        request,
        "experiments.html",
        rows=rows,
        tag=tag,
        archived=archived,
        paged=cursor is not None,
        here=_address(tag, archived, cursor),
        older=page.next_cursor and _address(tag, archived, page.next_cursor),
        last_event_id=last_event_id,
    )


@router.get("/experiments/{experiment_id}")
def show_experiment(request: Request, session: Reading, experiment_id: str) -> HTMLResponse:
    """One experiment: its comparison, warnings and jobs."""
    last_event_id = settled_event_id(session)
    try:
        experiment = queries.get_experiment(session, experiment_id)
    except LookupError as error:
        return render(request, "missing.html", status_code=404, message=str(error))
    comparison, reason = _comparison(session, experiment)
    table = None if comparison is None else table_of(comparison)
    return render(
        request,
        "experiment.html",
        experiment=experiment_detail(session, experiment),
        comparison=comparison,
        why_no_comparison=reason,
        table=table,
        columns=_columns(table),
        definitions=() if comparison is None else definitions(comparison),
        interval=INTERVAL,
        figure=Markup("" if comparison is None else delta_figure(comparison)),  # noqa: S704 - its texts are escaped
        formats=reports.names(),
        files={job.id: _files(session, job.id) for job in experiment.jobs},
        last_event_id=last_event_id,
    )


def _address(tag: str | None, archived: bool, cursor: str | None) -> str:
    query = {"tag": tag, "archived": "true" if archived else None, "cursor": cursor}
    return "/?" + urlencode({key: value for key, value in query.items() if value is not None})


def _comparison(session: Session, experiment: Experiment) -> tuple[Comparison | None, str]:
    """The comparison, or why there is none yet."""
    if not any(job.state is JobState.SUCCEEDED for job in experiment.jobs):
        return None, "Nothing to compare yet: no job has succeeded."
    try:
        return comparison_of(session, experiment.id), ""
    except IncomparableError as error:
        return None, str(error)


def _columns(table: Table | None) -> list[str]:
    """The answer first, for narrow screens; the interval stands below its difference."""
    titles = () if table is None else table.columns
    return [
        *(title for title in _FIRST if title in titles),
        *(title for title in titles if title not in _SHOWN),
    ]


def _best(session: Session, experiment: Experiment) -> ComparisonRow | None:
    """The row with the largest difference to the baseline over two seeds or more: one makes no claim."""
    comparison, _ = _comparison(session, experiment)
    if comparison is None:
        return None
    rows = [
        (row.delta_ap, row)
        for row in comparison.rows
        if row.delta_ap is not None and row.delta_ap_n > 1 and row.label != comparison.baseline
    ]
    return max(rows, key=lambda pair: pair[0], default=(None, None))[1]


def _files(session: Session, job_id: str) -> list[CheckpointView]:
    """The last of each kind that people use."""
    rows = queries.job_checkpoints(session, job_id)
    last = {row.kind: row for row in rows if row.kind != CheckpointKind.STATE}
    return [checkpoint_view(row) for row in last.values()]
