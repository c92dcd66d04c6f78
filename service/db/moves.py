"""The one way by which a job changes its state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Event, Job, JobDependency, OutboxMessage
from service.db.notices import note_end
from service.db.reuse import copy_result, donor_of, waiting_for
from service.db.search import choose, has_been_tried
from service.db.states import MOVES, TERMINAL, JobState

PRIORITY_SECONDS = 3600.0
"""One step of priority is worth this much waiting."""

INTERLEAVE_SECONDS = 60.0
"""Each further job of an experiment counts as queued this much later, so that experiments take turns."""


REUSED = "reused"
"""The reason of a success that is another job's."""

_HOPELESS = (JobState.FAILED, JobState.CANCELLED, JobState.BLOCKED)
"""What waits for a job in one of these states is blocked."""


class IllegalMoveError(RuntimeError):
    """A job cannot go from its state to the one asked for."""


def rank(queued_at: datetime, *, priority: int, position: int) -> float:
    """A job's place in the queue, smallest first, fixed when it is queued.

    Waiting makes a job older than newcomers of any priority in the end, so nothing starves.
    """
    return queued_at.timestamp() - priority * PRIORITY_SECONDS + position * INTERLEAVE_SECONDS


def move(
    session: Session,
    job: Job,
    to: JobState,
    moment: datetime,
    *,
    reason_code: str | None = None,
    reason: str | None = None,
    reason_field: str | None = None,
) -> None:
    """Change the state of a job whose row this transaction has locked, and say so in `events`.

    The reason replaces the job's former one. A job that ends or is blocked releases or blocks those that wait
    for it; one that goes on after it had failed lets them wait again. Raises IllegalMoveError for a move
    outside `MOVES`.
    """
    origin = job.state
    if to not in MOVES[origin]:
        raise IllegalMoveError(f"job {job.id} cannot go from {origin} to {to}")
    job.state = to
    job.reason_code, job.reason, job.reason_field = reason_code, reason, reason_field
    if to in TERMINAL:
        job.finished_at, job.eta_seconds = moment, None
    note_move(session, job, origin, moment)
    if to in TERMINAL:
        note_end(session, job, moment)
    if to in TERMINAL or to is JobState.BLOCKED:
        _tell_dependents(session, job, moment)
    elif origin in _HOPELESS:
        _unblock_dependents(session, job, moment)


def enqueue(
    session: Session, job: Job, moment: datetime, *, not_before: datetime | None = None, **reason: Any
) -> None:
    """Move a job to the queue and leave a wake-up for the relay. A job queued again keeps its rank.

    One that may be reused, and whose like has succeeded before, takes over its result and is done.
    """
    move(session, job, JobState.QUEUED, moment, **reason)
    if job.queued_at is None:
        job.queued_at = moment
        job.rank = rank(moment, priority=job.priority, position=job.position)
    job.not_before = not_before
    session.flush()
    if (donor := donor_of(session, job)) is not None:
        _take_over(session, job, donor, moment)
    else:
        session.add(OutboxMessage(job_id=job.id, not_before=not_before))


def offer(session: Session, donor: Job, moment: datetime) -> None:
    """Give what a job has just ended with to those in the queue that would do the same again."""
    for job in waiting_for(session, donor):
        _take_over(session, job, donor, moment)


def _take_over(session: Session, job: Job, donor: Job, moment: datetime) -> None:
    copy_result(session, donor, job, moment)
    reason = f"the result of the same job {job.reused_from} was reused"
    move(session, job, JobState.SUCCEEDED, moment, reason_code=REUSED, reason=reason)


def note_move(session: Session, job: Job, origin: JobState, moment: datetime) -> None:
    """Write the `job.state` event of a move that has been made."""
    # a job that runs again keeps the reason of its last attempt; it is no reason of this move
    why = f" ({job.reason})" if job.reason and job.state is not JobState.RUNNING else ""
    message = f"{job.name}: {origin} to {job.state}{why}"
    data = {"from": origin.value, "to": job.state.value, "reason_code": job.reason_code}
    session.add(
        Event(
            experiment_id=job.experiment_id,
            job_id=job.id,
            kind="job.state",
            message=message,
            data=data,
            created_at=moment,
        )
    )


def continue_or_wait(session: Session, job: Job, moment: datetime) -> None:
    """Move a job that stood still to where its dependencies let it go: the queue, waiting, or blocked."""
    session.flush()
    if (cause := obstacle(session, job)) is not None:
        if job.state is not JobState.BLOCKED:
            move(session, job, JobState.BLOCKED, moment, reason_code="dependency_failed", reason=cause)
    elif _with_unfinished_dependencies(session, [job.id]):
        if job.state is not JobState.WAITING:
            move(session, job, JobState.WAITING, moment)
    else:
        _release(session, job, moment)


def obstacle(session: Session, job: Job) -> str | None:
    """Why a job cannot run for as long as one that it waits for stays as it is; None where none is."""
    statement = (
        select(Job)
        .join(JobDependency, JobDependency.depends_on_id == Job.id)
        .where(JobDependency.job_id == job.id, Job.state.in_(_HOPELESS))
        .order_by(Job.position)
    )
    return next((_cause(other) for other in session.scalars(statement) if not has_been_tried(other)), None)


def _tell_dependents(session: Session, job: Job, moment: datetime) -> None:
    session.flush()
    dependents = _dependents(session, job, JobState.WAITING)
    if has_been_tried(job):
        held_back = _with_unfinished_dependencies(session, [dependent.id for dependent in dependents])
        for dependent in dependents:
            if dependent.id not in held_back:
                _release(session, dependent, moment)
        return
    for dependent in dependents:
        code, cause = f"dependency_{job.state}", _cause(job)
        move(session, dependent, JobState.BLOCKED, moment, reason_code=code, reason=cause)


def _unblock_dependents(session: Session, job: Job, moment: datetime) -> None:
    """A job goes on after all: those that it had blocked wait again, unless another one blocks them too."""
    session.flush()
    for dependent in _dependents(session, job, JobState.BLOCKED):
        if obstacle(session, dependent) is None:
            move(session, dependent, JobState.WAITING, moment)


def _dependents(session: Session, job: Job, state: JobState) -> Sequence[Job]:
    # Locked before their dependencies are counted: of two dependencies that end at the same time,
    # the second then sees the first.
    statement = (
        select(Job)
        .join(JobDependency, JobDependency.job_id == Job.id)
        .where(JobDependency.depends_on_id == job.id, Job.state == state)
        .order_by(Job.id)
        .with_for_update(of=Job)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def _cause(job: Job) -> str:
    return f"it needs {job.name} ({job.id}), which is {job.state}" + (f": {job.reason}" if job.reason else "")


def _release(session: Session, job: Job, moment: datetime) -> None:
    if choose(session, job, moment):
        enqueue(session, job, moment)
        return
    if job.state is JobState.BLOCKED:
        return
    reason = (
        "no run of its search gave an AP on val: the losses became infinite or no number, or val has "
        "nothing to judge. Try smaller values"
    )
    move(session, job, JobState.BLOCKED, moment, reason_code="search_failed", reason=reason)


def _with_unfinished_dependencies(session: Session, job_ids: list[str]) -> set[str]:
    statement = (
        select(JobDependency.job_id, Job)
        .join(Job, Job.id == JobDependency.depends_on_id)
        .where(JobDependency.job_id.in_(job_ids), Job.state != JobState.SUCCEEDED)
    )
    return {job_id for job_id, dependency in session.execute(statement) if not has_been_tried(dependency)}
