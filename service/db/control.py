"""What users want of their jobs: cancel, pause, resume, another priority. Answered at once.

A job that runs is only told by its `desired_state`; its supervisor hears of it with the next heartbeat.
"""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.endings import lock
from service.db.leases import now
from service.db.models import Experiment, Job
from service.db.moves import continue_or_wait, move, obstacle, rank
from service.db.search import has_been_tried
from service.db.states import TERMINAL, DesiredState, JobState

MAX_PRIORITY = 1000


class ControlError(RuntimeError):
    """A job cannot do what was asked; the message says what can be done instead."""


def request_cancel(session: Session, job_id: str) -> JobState:
    """Cancel a job: at once where it is not running, else by asking its attempt. Ended jobs stay as they are.

    Raises NoResultFound for an id that is not there. Jobs that wait for it are blocked with the cause.
    """
    job = lock(session, job_id)
    if job.state in TERMINAL:
        return job.state
    job.desired_state = DesiredState.CANCEL
    if job.state is not JobState.RUNNING:
        move(session, job, JobState.CANCELLED, now(session), reason_code="cancelled", reason="on request")
    session.flush()
    return job.state


def request_pause(session: Session, job_id: str) -> JobState:
    """Pause a job: at once where it is not running, else it saves its state first.

    Jobs that wait for it go on waiting. One that has ended, or is blocked or being cancelled, stays as it is.
    Raises NoResultFound.
    """
    job = lock(session, job_id)
    if job.state in (JobState.WAITING, JobState.QUEUED):
        job.desired_state = DesiredState.PAUSE
        move(session, job, JobState.PAUSED, now(session), reason_code="paused", reason="on request")
    elif job.state is JobState.RUNNING and job.desired_state is DesiredState.RUN:
        job.desired_state = DesiredState.PAUSE
    session.flush()
    return job.state


def request_resume(session: Session, job_id: str) -> JobState:
    """Let a paused or failed job go on from its last state; what is done is never done again.

    A failed job has all its attempts again, and what was blocked by it waits again. A job that runs, waits or
    has succeeded stays as it is. Raises NoResultFound, and ControlError for one that cannot go on.
    """
    job = lock(session, job_id)
    if job.state is JobState.SUCCEEDED:
        return job.state
    if job.state is JobState.CANCELLED or job.desired_state is DesiredState.CANCEL:
        raise ControlError(f"{job.name} ({job.id}) was cancelled, and that is final: clone it instead")
    if job.state is JobState.BLOCKED and (cause := obstacle(session, job)):
        raise ControlError(f"{job.name} ({job.id}) is blocked: {cause}. Resume that one, or clone without it")
    job.desired_state = DesiredState.RUN
    if job.state in (JobState.PAUSED, JobState.FAILED, JobState.BLOCKED):
        if job.state is JobState.FAILED:
            job.num_attempts, job.finished_at = 0, None
        continue_or_wait(session, job, now(session))
    session.flush()
    return job.state


def set_priority(session: Session, job_id: str, priority: int) -> JobState:
    """Change a job's priority, and with it its place in the queue. An ended job stays as it is.

    Each step counts as an hour of waiting. Raises NoResultFound.
    """
    assert abs(priority) <= MAX_PRIORITY, f"priority {priority} of at most {MAX_PRIORITY}"
    job = lock(session, job_id)
    if job.state not in TERMINAL:
        job.priority = priority
        if job.queued_at is not None:
            job.rank = rank(job.queued_at, priority=priority, position=job.position)
    session.flush()
    return job.state


def cancel_experiment(session: Session, experiment_id: str) -> list[str]:
    """Cancel each unfinished job of an experiment; returns their ids. Raises NoResultFound."""
    job_ids = _locked(session, experiment_id, lambda job: job.state not in TERMINAL)
    # Those that wait come before what they wait for, or they would first be blocked by its cancelling.
    for job_id in reversed(job_ids):
        request_cancel(session, job_id)
    return job_ids


def pause_experiment(session: Session, experiment_id: str) -> list[str]:
    """Pause each job of an experiment that waits or runs; returns their ids. Raises NoResultFound."""
    active = (JobState.WAITING, JobState.QUEUED, JobState.RUNNING)
    job_ids = _locked(session, experiment_id, lambda job: job.state in active)
    for job_id in job_ids:
        request_pause(session, job_id)
    return job_ids


def resume_experiment(session: Session, experiment_id: str) -> list[str]:
    """Let each paused or failed job of an experiment go on; returns their ids. Raises NoResultFound.

    A run of a search whose loss diverged has given its answer, and is not made again.
    """

    def can_go_on(job: Job) -> bool:
        paused = job.state is JobState.PAUSED or job.desired_state is DesiredState.PAUSE
        failed = job.state is JobState.FAILED and not has_been_tried(job)
        return (paused or failed) and job.desired_state is not DesiredState.CANCEL

    # The teacher comes first: what it had blocked then waits again, before its own turn.
    job_ids = _locked(session, experiment_id, can_go_on)
    for job_id in job_ids:
        request_resume(session, job_id)
    return job_ids


def prioritise_experiment(session: Session, experiment_id: str, priority: int) -> list[str]:
    """Give each unfinished job of an experiment a priority; returns their ids. Raises NoResultFound."""
    job_ids = _locked(session, experiment_id, lambda job: job.state not in TERMINAL)
    for job_id in job_ids:
        set_priority(session, job_id, priority)
    return job_ids


def _locked(session: Session, experiment_id: str, wanted: Callable[[Job], bool]) -> list[str]:
    """The ids of the experiment's jobs that are wanted, all of its jobs locked."""
    session.get_one(Experiment, experiment_id)
    # Locked in the order in which an ending job locks itself and then those that wait for it: no deadlock.
    jobs = (
        select(Job)
        .where(Job.experiment_id == experiment_id)
        .order_by(Job.position)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [job.id for job in session.scalars(jobs) if wanted(job)]
