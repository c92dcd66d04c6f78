"""What a job has shown of itself: metrics, logs, attempts, evaluations."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import AfterValidator

from service.api.dependencies import Reading, no_null
from service.api.records import AttemptView, EvaluationView, LogView, MetricPointView, MetricSeriesView
from service.api.schemas import Page
from service.db import queries
from service.db.metrics import Series
from service.db.states import TERMINAL, JobState

router = APIRouter(prefix="/jobs/{job_id}", tags=["observations"])
CHUNKS_PER_ANSWER = 200
_PLACE = re.compile(r"^(\d{1,9}):(\d{1,18})$", re.ASCII)
_ENDED = TERMINAL | {JobState.BLOCKED}


def _place(value: str) -> str:
    if value and not _PLACE.match(value):
        raise ValueError("give `next_after` of an earlier answer, or leave it out to start at the beginning")
    return value


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
) -> Page[MetricSeriesView]:
    """The job's metric series by name, each by rising step."""
    job = queries.get_job(session, job_id)
    series = queries.job_metrics(session, job.id, names=name, max_points=max_points)
    return Page(items=tuple(map(_series, series)))


@router.get(
    "/logs",
    response_model=LogView,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_job_logs(
    session: Reading,
    request: Request,
    job_id: str,
    after: Annotated[
        str, Query(max_length=40, description="`next_after` of the answer before"), AfterValidator(_place)
    ] = "",
    format: Annotated[
        Literal["json", "text"] | None, Query(description="Default: by the Accept header, else json")
    ] = None,
) -> Response | LogView:
    """What the job's processes printed. To follow, ask again with `after` until `finished`.

    Of a job that was reused it is what the one that ran had printed, while that is there.
    As plain text the place to go on from is in the header `X-Next-After`.
    """
    job = queries.get_job(session, job_id)
    found = _PLACE.match(after)
    place = (int(found[1]), int(found[2])) if found else None
    chunks = queries.job_logs(session, job.reused_from or job.id, after=place, limit=CHUNKS_PER_ANSWER)
    next_after = f"{chunks[-1].token}:{chunks[-1].offset}" if chunks else after
    text = "".join(chunk.text for chunk in chunks)
    if format == "text" or (format is None and request.headers.get("accept", "").startswith("text/plain")):
        return PlainTextResponse(text, headers={"X-Next-After": next_after})
    finished = job.state in _ENDED and len(chunks) < CHUNKS_PER_ANSWER
    return LogView(text=text, next_after=next_after, finished=finished)


@router.get("/attempts")
def list_job_attempts(session: Reading, job_id: str) -> Page[AttemptView]:
    """The attempts at the job, first to last; of a job that was reused, those at the one that ran."""
    job = queries.get_job(session, job_id)
    attempts = queries.job_attempts(session, job.reused_from or job.id)
    return Page(items=tuple(map(AttemptView.model_validate, attempts)))


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
