"""The right of one attempt to write for its job, and the proof of it that every write starts with."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service.db.models import Attempt, Job
from service.db.states import AttemptState, JobState
from service.db.types import UtcDateTime, utc_now


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Names the attempt that holds a job; `token` grows with every attempt."""

    job_id: str
    attempt_id: str
    token: int


class StaleLeaseError(Exception):
    """This attempt no longer holds its job: it must stop and change nothing."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            f"attempt {lease.attempt_id} (token {lease.token}) no longer holds job {lease.job_id}"
        )
        self.lease = lease


def now(session: Session) -> datetime:
    """The database's own clock, so that hosts whose clocks differ agree about leases."""
    if session.get_bind().dialect.name == "sqlite":
        return utc_now()
    return session.scalars(select(func.clock_timestamp(type_=UtcDateTime()))).one()


def hold(session: Session, lease: Lease, **changes: object) -> datetime:
    """Prove the lease and lock the attempt until the transaction ends. Returns the moment of the heartbeat.

    An expired lease that nobody took over is still held: the token decides, not the clock.
    Raises StaleLeaseError where the attempt ended or another one has the job.
    """
    moment = now(session)
    held = (
        select(Job.id)
        .where(Job.id == lease.job_id, Job.token == lease.token, Job.state == JobState.RUNNING)
        .exists()
    )
    statement = (
        update(Attempt)
        .where(
            Attempt.id == lease.attempt_id,
            Attempt.job_id == lease.job_id,
            Attempt.token == lease.token,
            Attempt.state == AttemptState.RUNNING,
            held,
        )
        .values(heartbeat_at=moment, **changes)
        .returning(Attempt.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalars(statement).one_or_none() is None:
        raise StaleLeaseError(lease)
    return moment
