"""What a job has shown of itself: metrics, attempts, evaluations, events."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field

from service.api.dependencies import Reading, no_null
from service.api.events import EventView
from service.api.records import (
    AttemptView,
    ChartView,
    EvaluationView,
    MetricPointView,
    MetricSeriesView,
)
from service.api.views import Page
from service.db import queries
from service.db.buckets import read_charts
from service.db.metrics import Series

router = APIRouter(prefix="/jobs/{job_id}", tags=["observations"])


Step = Annotated[int, Field(ge=0, le=2**62)]
MetricName = Annotated[str, AfterValidator(lambda value: no_null(value) or value)]


@router.get("/metrics")
def list_job_metrics(
    session: Reading,
    job_id: str,
    name: Annotated[
        list[MetricName] | None, Query(max_length=100, description="Only these series; may be repeated")
    ] = None,
    max_points: Annotated[
        int | None, Query(ge=1, le=100_000, description="Per series, evenly chosen")
    ] = None,
    after: Annotated[Step | None, Query(description="Only what was recorded of later steps")] = None,
) -> Page[MetricSeriesView]:
    """The job's metric series by name, each by rising step."""
    job = queries.get_job(session, job_id)
    series = queries.job_metrics(session, job.id, names=name, max_points=max_points, after=after)
    return Page(items=tuple(map(_series, series)))


@router.get("/metrics/chart")
def chart_job_metrics(
    session: Reading,
    job_id: str,
    *,
    name: Annotated[list[MetricName] | None, Query(max_length=100, description="As for metrics")] = None,
    buckets: Annotated[int, Query(ge=1, le=2000, description="At most so many in each series")] = 600,
    first: Annotated[Step | None, Query(description="From this step on")] = None,
    last: Annotated[Step | None, Query(description="To this step, included")] = None,
) -> Page[ChartView]:
    """The series in buckets of steps with the least, greatest and last value: no spike is left out."""
    job = queries.get_job(session, job_id)
    charts = read_charts(session, job.id, names=name, num_buckets=buckets, first_step=first, last_step=last)
    return Page(items=tuple(map(ChartView.model_validate, charts)))


@router.get("/attempts")
def list_job_attempts(session: Reading, job_id: str) -> Page[AttemptView]:
    """The attempts at the job, first to last; of a job that was reused, those at the one that ran."""
    job = queries.get_job(session, job_id)
    attempts = queries.job_attempts(session, job.reused_from or job.id)
    return Page(items=tuple(map(AttemptView.model_validate, attempts)))


@router.get("/events")
def list_job_events(session: Reading, job_id: str) -> Page[EventView]:
    """What happened to the job, first to last."""
    job = queries.get_job(session, job_id)
    return Page(items=tuple(map(EventView.model_validate, queries.job_events(session, job.id))))


@router.get("/evaluations")
def list_job_evaluations(session: Reading, job_id: str) -> Page[EvaluationView]:
    """The job's COCO evaluations by rising step; fractions, null where COCO has no value."""
    job = queries.get_job(session, job_id)
    return Page(items=tuple(map(EvaluationView.model_validate, queries.job_evaluations(session, job.id))))


def _series(series: Series) -> MetricSeriesView:
    points = zip(series.steps, series.values, series.times, strict=True)
    return MetricSeriesView(
        name=series.name,
        num_points=series.num_points,
        points=tuple(
            MetricPointView(step=step, value=value, nonfinite=series.nonfinite.get(step), time=time)
            for step, value, time in points
        ),
    )
