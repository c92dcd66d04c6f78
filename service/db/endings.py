"""How attempts end, by themselves or by losing their lease, and what then becomes of their jobs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, true, update
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from service.db.leases import Lease, hold, now
from service.db.models import Attempt, Checkpoint, Job
from service.db.moves import enqueue, move, offer
from service.db.states import AttemptState, DesiredState, JobState

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
    using up an attempt where the worker handed it back (`released`); then it has failed. An attempt that
    saved a newer state before it failed gives the job all its attempts back.
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
    job = lock(session, lease.job_id)
    if ending.state is AttemptState.SUCCEEDED:
        move(session, job, JobState.SUCCEEDED, moment)
        offer(session, job, moment)
    else:
        _settle(session, job, ending, moment, backoff_seconds)
    session.flush()
    return job.state


def expire_leases(session: Session, *, backoff_seconds: float) -> list[str]:
    """Take the jobs from attempts whose lease ran out, queue them again or fail them; returns their ids."""
    reason = "its worker stopped reporting, and its lease ran out"
    lost = Ending(state=AttemptState.LOST, code="lease_lost", reason=reason, retry=True)
    return _lose(session, Attempt.lease_expires_at < now(session), lost, backoff_seconds)


def abandon(session: Session, job_id: str, token: int, *, backoff_seconds: float) -> bool:
    """Take the job from an attempt that is known to be dead before its lease runs out; gives whether it ran.

    To be called where its supervisor and all processes of its run have been seen to be gone.
    """
    reason = "its supervisor was killed, or its host went down; no process of it was left"
    lost = Ending(state=AttemptState.LOST, code="worker_died", reason=reason, retry=True)
    dead = and_(Attempt.job_id == job_id, Attempt.token == token)
    return bool(_lose(session, dead, lost, backoff_seconds))


def void_leases(session: Session, *, token_floor: int) -> list[str]:
    """Take the jobs of a copied database from the attempts that ran when it was made; returns their ids.

    They continue from their newest state, and no attempt of theirs is used up. From now on tokens begin above
    `token_floor`: workers of the original may have taken jobs since, and must not be taken for ours.
    """
    reason = "the database was restored from a backup"
    handed_back = Ending(state=AttemptState.RELEASED, code="restored", reason=reason, retry=True)
    job_ids = _lose(session, true(), handed_back, 0)
    final = (JobState.SUCCEEDED, JobState.CANCELLED)
    session.execute(
        update(Job).where(Job.state.not_in(final), Job.token < token_floor).values(token=token_floor),
        execution_options={"synchronize_session": False},
    )
    return job_ids


def _lose(session: Session, which: ColumnElement[bool], lost: Ending, backoff_seconds: float) -> list[str]:
    moment = now(session)
    statement = (
        update(Attempt)
        .where(Attempt.state == AttemptState.RUNNING, which)
        .values(state=lost.state, ended_at=moment, reason_code=lost.code, reason=lost.reason)
        .returning(Attempt.job_id)
        .execution_options(synchronize_session=False)
    )
    job_ids = sorted(session.scalars(statement))
    for job_id in job_ids:
        _settle(session, lock(session, job_id), lost, moment, backoff_seconds)
    session.flush()
    return job_ids


def lock(session: Session, job_id: str) -> Job:
    """The job's row, locked until the transaction ends. Raises NoResultFound."""
    return session.get_one(Job, job_id, with_for_update=True, populate_existing=True)


def _settle(session: Session, job: Job, ending: Ending, moment: datetime, backoff_seconds: float) -> None:
    why: dict[str, Any] = {
        "reason_code": ending.code, "reason": ending.reason, "reason_field": ending.field,
    }  # fmt: skip
    if ending.state is AttemptState.RELEASED:
        job.num_attempts -= 1
    elif ending.retry and _saved_a_newer_state(session, job):
        job.num_attempts = 1
    if job.desired_state is DesiredState.CANCEL or ending.state is AttemptState.CANCELLED:
        move(session, job, JobState.CANCELLED, moment, reason_code="cancelled", reason="on request")
    elif job.desired_state is DesiredState.PAUSE and ending.retry:
        move(session, job, JobState.PAUSED, moment, **why)
    elif ending.state is AttemptState.RELEASED and ending.retry:
        enqueue(session, job, moment, **why)
    elif ending.retry and job.num_attempts < job.max_attempts:
        delay = min(backoff_seconds * 2 ** (job.num_attempts - 1), MAX_BACKOFF_SECONDS)
        enqueue(session, job, moment, not_before=moment + timedelta(seconds=delay), **why)
    else:
        move(session, job, JobState.FAILED, moment, **why)


def _saved_a_newer_state(session: Session, job: Job) -> bool:
    """Whether the newest attempt brought the job forward: then earlier failures say little."""
    begun_at = select(func.coalesce(Attempt.resumed_from_step, 0)).where(
        Attempt.job_id == job.id, Attempt.token == job.token
    )
    saved = select(Checkpoint.id).where(
        Checkpoint.job_id == job.id,
        Checkpoint.token == job.token,
        Checkpoint.kind == CheckpointKind.STATE.value,
        Checkpoint.step > begun_at.scalar_subquery(),
    )
    return session.scalars(saved.limit(1)).one_or_none() is not None
