"""What the API and the pages ask the database. Nothing here changes a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from service.db.models import ApiKey, Attempt, Delivery, Event, Experiment, Job, Webhook, Worker
from service.db.pages import InvalidCursorError, Page, page
from service.db.recorded import (
    get_artifact,
    get_checkpoint,
    job_artifacts,
    job_attempts,
    job_checkpoints,
    job_dependencies,
    job_evaluations,
    job_events,
    job_logs,
    job_metrics,
    jobs_checkpoints,
)
from service.db.states import JobState
from service.db.types import ID_ALPHABET, ID_LENGTH

MIN_PREFIX_LENGTH = 4
MAX_CANDIDATES = 5
RowT = TypeVar("RowT", ApiKey, Delivery, Experiment, Job, Webhook, Worker)


class NotFoundError(LookupError):
    """There is no such thing."""


class AmbiguousIdError(LookupError):
    """More than one id begins so."""


def list_jobs(
    session: Session,
    *,
    limit: int,
    cursor: str | None = None,
    state: JobState | None = None,
    experiment_id: str | None = None,
    method: str | None = None,
    submitted_by: str | None = None,
    name: str | None = None,
) -> Page[Job]:
    """Jobs, newest first. Raises InvalidCursorError."""
    statement = select(Job)
    if state is not None:
        statement = statement.where(Job.state == state)
    if experiment_id is not None:
        statement = statement.where(Job.experiment_id == experiment_id)
    if method is not None:
        statement = statement.where(Job.method == method)
    if submitted_by is not None:
        statement = statement.where(Job.submitted_by == submitted_by)
    if name is not None:
        statement = statement.where(Job.name == name)
    return page(session, statement, limit=limit, cursor=cursor)


def recent_experiments(session: Session, *, limit: int) -> Sequence[Experiment]:
    """The newest experiments that are not archived, without their jobs."""
    statement = select(Experiment).where(Experiment.archived_at.is_(None))
    return session.scalars(
        statement.order_by(Experiment.created_at.desc(), Experiment.id.desc()).limit(limit)
    ).all()


def get_experiment(session: Session, prefix: str) -> Experiment:
    """The experiment whose id begins so (4 characters or more), with its jobs in order and its tags.

    Raises NotFoundError and AmbiguousIdError.
    """
    return _by_prefix(session, Experiment, prefix, _with_jobs())


def get_job(session: Session, prefix: str) -> Job:
    """The job whose id begins so, with its experiment's row. Raises NotFoundError and AmbiguousIdError."""
    return _by_prefix(session, Job, prefix, [joinedload(Job.experiment)])


def events_after(
    session: Session, last_id: int, *, experiment_id: str | None = None, limit: int = 500
) -> Sequence[Event]:
    """Events with a greater id, in order: hints that something changed, for a view to read its rows anew.

    PostgreSQL numbers a row before its transaction commits, so an event may show up behind a later one.
    """
    statement = select(Event).where(Event.id > last_id)
    if experiment_id is not None:
        statement = statement.where(Event.experiment_id == experiment_id)
    return session.scalars(statement.order_by(Event.id).limit(limit)).all()


def experiment_warnings(session: Session, experiment_id: str) -> Sequence[tuple[str, Event]]:
    """The warnings of an experiment's jobs, in order, each behind its job's name."""
    statement = (
        select(Job.name, Event)
        .join(Job, Job.id == Event.job_id)
        .where(Event.experiment_id == experiment_id, Event.kind == "job.warning")
        .order_by(Event.id)
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def experiment_event(session: Session, experiment_id: str, kind: str) -> Event | None:
    """The first event of that kind."""
    statement = select(Event).where(Event.experiment_id == experiment_id, Event.kind == kind)
    return session.scalars(statement.order_by(Event.id).limit(1)).one_or_none()


def list_workers(session: Session) -> Sequence[Worker]:
    """All workers that ever registered, the one heard of last first."""
    return session.scalars(select(Worker).order_by(Worker.heartbeat_at.desc(), Worker.id)).all()


def get_worker(session: Session, prefix: str) -> Worker:
    """The worker whose id begins so. Raises NotFoundError and AmbiguousIdError."""
    return _by_prefix(session, Worker, prefix, [])


def get_key(session: Session, prefix: str) -> ApiKey:
    """The API key whose public id begins so. Raises NotFoundError and AmbiguousIdError."""
    return _by_prefix(session, ApiKey, prefix, [])


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """How many jobs are queued, since when the oldest of them waits, and how many run or wait for others."""

    queued: int
    oldest_queued_at: datetime | None
    running: int
    waiting: int


def get_webhook(session: Session, prefix: str) -> Webhook:
    """The webhook. Raises NotFoundError and AmbiguousIdError."""
    return _by_prefix(session, Webhook, prefix, ())


def get_delivery(session: Session, webhook: Webhook, prefix: str) -> Delivery:
    """One of the webhook's deliveries with its tries. Raises NotFoundError and AmbiguousIdError."""
    row = _by_prefix(session, Delivery, prefix, [selectinload(Delivery.tries)])
    if row.webhook_id != webhook.id:
        raise NotFoundError(f"there is no delivery {prefix[:64]!r} of {webhook.name}")
    return row


def queue_depth(session: Session) -> QueueDepth:
    """What there is to do."""
    counts = {
        state: session.scalar(select(func.count()).select_from(Job).where(Job.state == state)) or 0
        for state in (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)
    }
    oldest = session.scalar(select(func.min(Job.queued_at)).where(text("jobs.state = 'queued'")))
    return QueueDepth(
        queued=counts[JobState.QUEUED],
        oldest_queued_at=oldest,
        running=counts[JobState.RUNNING],
        waiting=counts[JobState.WAITING],
    )


def next_in_queue(session: Session, *, limit: int) -> Sequence[Job]:
    """The queued jobs that workers take first, with their experiments' rows."""
    statement = select(Job).where(text("jobs.state = 'queued'")).options(joinedload(Job.experiment))
    return session.scalars(statement.order_by(Job.rank, Job.id).limit(limit)).all()


def waits_of_running(session: Session) -> list[float]:
    """For how many seconds each running job had waited in the queue."""
    statement = select(Job.queued_at, Job.started_at).where(Job.state == JobState.RUNNING)
    return [
        max(0.0, (started - queued).total_seconds())
        for queued, started in session.execute(statement)
        if queued is not None and started is not None
    ]


def worker_jobs(session: Session, worker_id: str) -> Sequence[Job]:
    """The jobs that a worker has in hand, by name."""
    statement = (
        select(Job)
        .join(Attempt, Attempt.job_id == Job.id)
        .where(Attempt.worker_id == worker_id, text("attempts.state = 'running'"))
        .order_by(Job.name, Job.id)
    )
    return session.scalars(statement).all()


def _with_jobs() -> list[ExecutableOption]:
    return [selectinload(Experiment.jobs), selectinload(Experiment.tags)]


def _called(row: ApiKey | Delivery | Experiment | Job | Webhook | Worker) -> str:
    if isinstance(row, Delivery):
        return row.event
    return row.host if isinstance(row, Worker) else row.name


def _by_prefix(session: Session, table: type[RowT], prefix: str, options: Sequence[ExecutableOption]) -> RowT:
    kind = "key" if table is ApiKey else table.__name__.lower()
    missing = NotFoundError(f"there is no {kind} {prefix[:64]!r}")
    if not MIN_PREFIX_LENGTH <= len(prefix) <= ID_LENGTH or set(prefix) - set(ID_ALPHABET):
        raise missing
    # A range rather than LIKE, which PostgreSQL answers from an index only under the C collation.
    statement = (
        select(table)
        .where(table.id >= prefix, table.id <= prefix.ljust(ID_LENGTH, ID_ALPHABET[-1]))
        .order_by(table.id)
        .limit(MAX_CANDIDATES)
        .options(*options)
    )
    rows = session.scalars(statement).all()
    if not rows:
        raise missing
    if len(rows) > 1:
        listed = ", ".join(f"{row.id} ({_called(row)})" for row in rows)
        message = f"more than one {kind} begins with {prefix!r}, such as {listed}: give more of it"
        raise AmbiguousIdError(message)
    return rows[0]


__all__ = [
    "AmbiguousIdError",
    "InvalidCursorError",
    "NotFoundError",
    "Page",
    "events_after",
    "experiment_warnings",
    "get_artifact",
    "get_checkpoint",
    "get_experiment",
    "get_job",
    "get_key",
    "get_worker",
    "job_artifacts",
    "job_attempts",
    "job_checkpoints",
    "job_dependencies",
    "job_evaluations",
    "job_events",
    "job_logs",
    "job_metrics",
    "jobs_checkpoints",
    "list_jobs",
    "list_workers",
    "next_in_queue",
    "queue_depth",
    "recent_experiments",
    "waits_of_running",
    "worker_jobs",
]
