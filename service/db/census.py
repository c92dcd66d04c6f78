"""The numbers by which the whole system is watched, read from the database in a few statements.

Whoever asks gets the same, for nothing of it is kept in a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, Text, case, cast, func, or_, select, text
from sqlalchemy.orm import Session

from service.db.fleet import DRAIN
from service.db.leases import now
from service.db.models import Attempt, ChoreRuns, Job, MetricPoint, MetricSeries, OutboxMessage, Worker
from service.db.states import TERMINAL, JobState
from service.db.telling import Telling, take_telling
from service.db.types import UtcDateTime

RECENT_SECONDS = 300.0
"""Attempts are counted over this long: counts since ever would fall when somebody deletes an experiment."""

MAX_WORKERS = 500
STEP_SECONDS = "host/step_seconds"


@dataclass(frozen=True, kw_only=True)
class JobCount:
    """How many jobs of a kind are in a state, and for how long the oldest of them; None for ended ones."""

    kind: str
    state: JobState
    number: int
    oldest_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class EndingCount:
    """How many attempts ended recently in one way."""

    outcome: str
    reason: str | None
    number: int


@dataclass(frozen=True, kw_only=True)
class Leases:
    """Of the running attempts: how many, how many with a lease that ran out, and the longest silence."""

    running: int
    expired: int
    longest_silence_seconds: float


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Wake-ups that are due and not sent, and for how long the oldest has been due; 0 without any."""

    unsent: int
    lag_seconds: float


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What the jobs of a kind do together that train now and have said how fast."""

    kind: str
    jobs: int
    steps_per_second: float
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class Census:
    """All of it, as of one moment of the database's clock. `workers` are the online and the lost ones."""

    moment: datetime
    jobs: Sequence[JobCount]
    busy_gpus: int
    claims: int
    endings: Sequence[EndingCount]
    leases: Leases
    relay: Relay
    workers: Sequence[Worker]
    throughput: Sequence[Throughput]
    chores: Sequence[ChoreRuns]
    telling: Telling

    @property
    def draining(self) -> int:
        """How many workers are online and take no more jobs."""
        return sum(each.state == "online" and each.desired_state == DRAIN for each in self.workers)


def take_census(session: Session) -> Census:
    """Read everything. Raises SQLAlchemyError."""
    moment = now(session)
    since = moment - timedelta(seconds=RECENT_SECONDS)
    return Census(
        moment=moment,
        jobs=_jobs(session, moment),
        busy_gpus=session.scalar(select(func.sum(Job.gpus)).where(Job.state == JobState.RUNNING)) or 0,
        claims=session.scalar(select(func.count()).where(Attempt.started_at > since)) or 0,
        endings=_endings(session, since),
        leases=_leases(session, moment),
        relay=_relay(session, moment),
        workers=_workers(session),
        throughput=_throughput(session),
        chores=session.scalars(select(ChoreRuns).order_by(ChoreRuns.chore)).all(),
        telling=take_telling(session, moment, since),
    )


def _jobs(session: Session, moment: datetime) -> list[JobCount]:
    since = case(
        (Job.state == JobState.QUEUED, Job.queued_at),
        (Job.state == JobState.RUNNING, Job.started_at),
        else_=Job.created_at,
    )
    oldest = func.min(since, type_=UtcDateTime())
    statement = select(Job.kind, Job.state, func.count(), oldest).group_by(Job.kind, Job.state)
    return [
        JobCount(
            kind=kind,
            state=state,
            number=number,
            oldest_seconds=None if state in TERMINAL else _age(moment, begun),
        )
        for kind, state, number, begun in session.execute(statement.order_by(Job.kind, Job.state))
    ]


def _endings(session: Session, since: datetime) -> list[EndingCount]:
    statement = (
        select(Attempt.state, Attempt.reason_code, func.count())
        .where(Attempt.ended_at > since)
        .group_by(Attempt.state, Attempt.reason_code)
    )
    return [
        EndingCount(outcome=state.value, reason=reason, number=number)
        for state, reason, number in session.execute(statement)
    ]


def _leases(session: Session, moment: datetime) -> Leases:
    expired = func.sum(cast(Attempt.lease_expires_at < moment, Integer))
    silence = func.min(Attempt.heartbeat_at, type_=UtcDateTime())
    # Spelled out for the partial index ix_attempts_lease.
    statement = select(func.count(), expired, silence).where(text("attempts.state = 'running'"))
    running, late, heard = session.execute(statement.select_from(Attempt)).one()
    return Leases(running=running, expired=late or 0, longest_silence_seconds=_age(moment, heard))


def _relay(session: Session, moment: datetime) -> Relay:
    due = func.coalesce(OutboxMessage.not_before, OutboxMessage.created_at)
    statement = (
        select(func.count(), func.min(due, type_=UtcDateTime()))
        .where(text("outbox.published_at IS NULL"))
        .where(or_(OutboxMessage.not_before.is_(None), OutboxMessage.not_before <= moment))
        .select_from(OutboxMessage)
    )
    unsent, oldest = session.execute(statement).one()
    return Relay(unsent=unsent, lag_seconds=_age(moment, oldest))


def _workers(session: Session) -> Sequence[Worker]:
    here = select(Worker).where(Worker.state.in_(("online", "lost")))
    return session.scalars(here.order_by(Worker.heartbeat_at.desc(), Worker.id).limit(MAX_WORKERS)).all()


def _throughput(session: Session) -> list[Throughput]:
    seconds = (
        select(MetricPoint.value)
        .join(MetricSeries, MetricSeries.id == MetricPoint.series_id)
        .where(MetricSeries.job_id == Job.id, MetricSeries.name == STEP_SECONDS)
        .order_by(MetricPoint.step.desc())
        .limit(1)
        .correlate(Job)
        .scalar_subquery()
    )
    schedule = Job.spec["schedule"]
    images = [cast(cast(schedule[name].as_string(), Text), Integer) for name in ("batch_size", "accumulate")]
    statement = select(Job.kind, seconds, *images).where(
        Job.state == JobState.RUNNING, Job.phase == "training", Job.kind.in_(("train", "distill"))
    )
    found: dict[str, list[tuple[float, int]]] = {}
    for kind, step_seconds, batch_size, accumulate in session.execute(statement):
        if step_seconds:
            found.setdefault(kind, []).append((1 / step_seconds, batch_size * accumulate))
    return [
        Throughput(
            kind=kind,
            jobs=len(speeds),
            steps_per_second=sum(steps for steps, _ in speeds),
            images_per_second=sum(steps * images for steps, images in speeds),
        )
        for kind, speeds in sorted(found.items())
    ]


def _age(moment: datetime, begun: datetime | None) -> float:
    return 0.0 if begun is None else max(0.0, (moment - begun).total_seconds())
