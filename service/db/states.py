"""The states of jobs and attempts, and the legal moves between them, in one table."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is."""

    WAITING = "waiting"  # for the jobs it depends on
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    BLOCKED = "blocked"  # a job it depends on failed or was cancelled
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DesiredState(StrEnum):
    """What the user wants of a job."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class AttemptState(StrEnum):
    """How an attempt stands or ended."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RELEASED = "released"  # handed back: the worker was shut down
    LOST = "lost"  # its lease ran out


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset({JobState.QUEUED, JobState.BLOCKED, JobState.CANCELLED, JobState.PAUSED}),
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.SUCCEEDED, JobState.CANCELLED, JobState.PAUSED}  # SUCCEEDED: reused
    ),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.PAUSED, JobState.QUEUED}
    ),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.WAITING, JobState.BLOCKED, JobState.CANCELLED}),
    JobState.BLOCKED: frozenset({JobState.WAITING, JobState.QUEUED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.WAITING}),
    JobState.CANCELLED: frozenset(),
}


EXPERIMENT_STATES = ("running", "queued", "paused", "failed", "blocked", "cancelled", "succeeded")
"""All that `experiment_state` gives, in the order in which lists are sorted by it."""


def experiment_state(job_states: list[JobState]) -> str:
    """The derived state.

    Unfinished work outweighs all; then failed jobs outweigh blocked, those cancelled, those succeeded ones.
    """
    states = set(job_states)
    if JobState.RUNNING in states:
        return "running"
    if states & {JobState.QUEUED, JobState.WAITING}:
        return "running" if states & {JobState.SUCCEEDED, JobState.FAILED} else "queued"
    for state in (JobState.PAUSED, JobState.FAILED, JobState.BLOCKED, JobState.CANCELLED):
        if state in states:
            return state.value
    return JobState.SUCCEEDED.value


class DatasetState(StrEnum):
    """What is known of a version of a data set; `failed` ones keep their faults and have no number."""

    REGISTERED = "registered"
    CHECKING = "checking"
    READY = "ready"
    FAILED = "failed"
