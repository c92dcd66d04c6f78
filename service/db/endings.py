"""How attempts and jobs end: by themselves, by losing their lease, or because somebody cancels them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.db.leases import Lease, hold, now
from service.db.models import Attempt, Experiment, Job
from service.db.moves import enqueue, move
from service.db.states import TERMINAL, AttemptState, DesiredState, JobState

BACKOFF_SECONDS = 10.0
MAX_BACKOFF_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an attempt ended. `retry` says that another attempt may do better."""

    state: AttemptState
    code: str | None = None
    reason: str | None = None
    field: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    retry: bool = False


def finish(
    session: Session, lease: Lease, ending: Ending, *, backoff_seconds: float = BACKOFF_SECONDS
) -> JobState:
    """End the attempt and settle its job; returns the job's new state. Raises StaleLeaseError.

    An attempt that succeeded makes the job succeed. Otherwise what the user wants comes first (cancel,
    pause); then the job is queued again, with growing delay while attempts remain, or at once and without
    using up an attempt where the worker handed it back (`released`); then it has failed.
    """
    assert ending.state is not AttemptState.RUNNING, "an ending that is none"
    moment = hold(
        session,
        lease,
        state=ending.state,
        exit_code=ending.exit_code,
        signal=ending.signal,
        reason_code=ending.code,
        reason=ending.reason,
    )
    attempt = session.get_one(Attempt, lease.attempt_id, populate_existing=True)
    attempt.ended_at = moment
    job = _lock(session, lease.job_id)
    if ending.state is AttemptState.SUCCEEDED:
        move(session, job, JobState.SUCCEEDED, moment)
    else:
        _settle(session, job, ending, moment, backoff_seconds)
    session.flush()
    return job.state


def expire_leases(session: Session, *, backoff_seconds: float) -> list[str]:
    """Take the jobs from attempts whose lease ran out, queue them again or fail them; returns their ids."""
    moment = now(session)
    statement = (
        update(Attempt)
        .where(Attempt.state == AttemptState.RUNNING, Attempt.lease_expires_at < moment)
        .values(
            state=AttemptState.LOST,
            ended_at=moment,
            reason_code="lease_lost",
            reason="its worker stopped reporting",
        )
        .returning(Attempt.job_id)
        .execution_options(synchronize_session=False)
    )
    job_ids = sorted(session.scalars(statement))
    lost = Ending(
        state=AttemptState.LOST, code="lease_lost", reason="the worker stopped reporting", retry=True
    )
    for job_id in job_ids:
        _settle(session, _lock(session, job_id), lost, moment, backoff_seconds)
    session.flush()
    return job_ids


def request_cancel(session: Session, job_id: str) -> JobState:
    """Cancel a job: at once where it is not running, else by asking its attempt. Ended jobs stay as they are.

    Raises NoResultFound for an id that is not there. Jobs that wait for it are blocked with the cause.
    """
    job = _lock(session, job_id)
    if job.state in TERMINAL:
        return job.state
    job.desired_state = DesiredState.CANCEL
    if job.state is not JobState.RUNNING:
        move(session, job, JobState.CANCELLED, now(session), reason_code="cancelled", reason="on request")
    session.flush()
    return job.state


def cancel_experiment(session: Session, experiment_id: str) -> list[str]:
    """Cancel each unfinished job of an experiment; returns their ids. Raises NoResultFound."""
    session.get_one(Experiment, experiment_id)
    # Locked in the order in which an ending job locks itself and then those that wait for it: no deadlock.
    unfinished = (
        select(Job.id)
        .where(Job.experiment_id == experiment_id, Job.state.not_in(TERMINAL))
        .order_by(Job.position)
        .with_for_update()
    )
    job_ids = list(session.scalars(unfinished))
    # Those that wait come before what they wait for, or they would first be blocked by its cancelling.
    for job_id in reversed(job_ids):
        request_cancel(session, job_id)
    return job_ids


def _lock(session: Session, job_id: str) -> Job:
    return session.get_one(Job, job_id, with_for_update=True, populate_existing=True)


def _settle(session: Session, job: Job, ending: Ending, moment: datetime, backoff_seconds: float) -> None:
    why: dict[str, Any] = {
        "reason_code": ending.code, "reason": ending.reason, "reason_field": ending.field,
    }  # fmt: skip
    if job.desired_state is DesiredState.CANCEL or ending.state is AttemptState.CANCELLED:
        move(session, job, JobState.CANCELLED, moment, reason_code="cancelled", reason="on request")
    elif job.desired_state is DesiredState.PAUSE:
        move(session, job, JobState.PAUSED, moment, **why)
    elif ending.state is AttemptState.RELEASED and ending.retry:
        job.num_attempts -= 1
        enqueue(session, job, moment, **why)
    elif ending.retry and job.num_attempts < job.max_attempts:
        delay = min(backoff_seconds * 2 ** (job.num_attempts - 1), MAX_BACKOFF_SECONDS)
        enqueue(session, job, moment, not_before=moment + timedelta(seconds=delay), **why)
    else:
        move(session, job, JobState.FAILED, moment, **why)
