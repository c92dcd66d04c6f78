"""Which runs an MLflow server is still to be told of, and what it knows already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, exists, or_, select, type_coerce
from sqlalchemy.orm import Session, selectinload

from service.db.leases import now
from service.db.metrics import Series, read_series
from service.db.models import Evaluation, Experiment, Job, MlflowRun
from service.db.states import TERMINAL, JobState
from service.db.upsert import upsert

KINDS = ("train", "distill", "evaluate")
RUNNING_EVERY = timedelta(seconds=15)
FIRST_DELAY = timedelta(seconds=30)
MAX_DELAY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the server knows of a job: its run, the state it was told, the last step of each series."""

    run_id: str | None
    state: str | None
    steps: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class News:
    """A job with what is recorded of it and not yet told. `evaluations` are there at its end only."""

    job: Job
    experiment: Experiment | None
    known: Known
    series: Sequence[Series]
    evaluations: Sequence[Evaluation]


def has_work(session: Session) -> bool:
    """Whether the server is to be told of a job now."""
    return bool(session.scalar(select(exists(_behind(now(session)).with_only_columns(Job.id)))))


def jobs_behind(session: Session, *, limit: int) -> Sequence[str]:
    """The jobs that it is to be told of now, the oldest first."""
    statement = _behind(now(session)).with_only_columns(Job.id)
    return session.scalars(statement.order_by(Job.created_at, Job.id).limit(limit)).all()


def news_of(session: Session, job_id: str) -> News | None:
    """What the server does not know of a job; None where that was deleted."""
    job = session.get(Job, job_id)
    if job is None:
        return None
    row = session.get(MlflowRun, job_id)
    known = Known(
        run_id=row.run_id if row else None, state=row.state if row else None, steps=row.steps if row else {}
    )
    evaluations = select(Evaluation).where(Evaluation.job_id == job_id).order_by(Evaluation.split)
    experiment = select(Experiment).where(Experiment.id == job.experiment_id)
    return News(
        job=job,
        experiment=session.scalars(experiment.options(selectinload(Experiment.tags))).one_or_none(),
        known=known,
        series=[_behind_step(each, known.steps.get(each.name, -1)) for each in read_series(session, job_id)],
        evaluations=session.scalars(evaluations).all() if job.state in TERMINAL else (),
    )


def note(session: Session, job_id: str, **known: Any) -> None:
    """Keep what the server knows of a job, unless that was deleted; no failure is remembered."""
    if session.get(Job, job_id, with_for_update={"read": True, "key_share": True}) is None:
        return
    row = _row(session, job_id)
    for name, value in {"num_failures": 0, "error": None, **known}.items():
        setattr(row, name, value)
    row.not_before = now(session) + RUNNING_EVERY


def note_failure(session: Session, job_id: str, error: str) -> None:
    """Try the job again later and later."""
    if session.get(Job, job_id, with_for_update={"read": True, "key_share": True}) is None:
        return
    row = _row(session, job_id)
    delay = min(FIRST_DELAY * 2 ** min(row.num_failures, 10), MAX_DELAY)
    row.num_failures, row.error, row.not_before = row.num_failures + 1, error[:1000], now(session) + delay


def _row(session: Session, job_id: str) -> MlflowRun:
    blank = {"job_id": job_id, "steps": {}, "num_failures": 0, "not_before": now(session)}
    upsert(session, MlflowRun, [blank], key=("job_id",))
    return session.get_one(MlflowRun, job_id)


def _behind(moment: datetime) -> Select[Job]:
    return (
        select(Job)
        .outerjoin(MlflowRun, MlflowRun.job_id == Job.id)
        .where(
            Job.kind.in_(KINDS),
            or_(MlflowRun.job_id.is_(None), MlflowRun.not_before <= moment),
            or_(Job.started_at.is_not(None), Job.state == JobState.SUCCEEDED),  # a reused one never started
            or_(MlflowRun.state.is_(None), _is_other(), Job.state == JobState.RUNNING),
        )
    )


def _is_other() -> ColumnElement[bool]:
    return MlflowRun.state != type_coerce(Job.state, String)


def _behind_step(series: Series, last: int) -> Series:
    """The points behind a step: a run that went back repeats what the server knows already."""
    start = next((place for place, step in enumerate(series.steps) if step > last), len(series.steps))
    return Series(
        name=series.name,
        num_points=series.num_points,
        steps=series.steps[start:],
        values=series.values[start:],
        times=series.times[start:],
        nonfinite=series.nonfinite,
    )
