"""A row of the list of experiments: what its jobs are at, how far it is, and when it will be done."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.api.experiment_views import ExperimentSummary
from service.db.models import Standing
from service.db.states import JobState
from service.db.work import JobTime, Work

STRIP_WIDTH = 84
_GAP = 1.5
_LEAST = 3.0
_ORDER = ("succeeded", "running", "queued", "waiting", "paused", "blocked", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of a strip, in pixels."""

    state: str
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class ExperimentRow:
    """What is kept of an experiment, and what its jobs say at this moment."""

    experiment: ExperimentSummary
    standing: Standing
    eta_seconds: float | None

    @classmethod
    def of(cls, standing: Standing, work: Work) -> "ExperimentRow":
        """The row of a standing whose experiment and tags are loaded."""
        return cls(
            experiment=ExperimentSummary.of(standing.experiment, work),
            standing=standing,
            eta_seconds=eta_seconds(work.times),
        )

    @property
    def states(self) -> list[tuple[str, int]]:
        """The states of its jobs with how many are in each, the done first."""
        found = self.experiment.job_states
        return [(state, found[state]) for state in _ORDER if state in found]

    @property
    def states_in_words(self) -> str:
        """For instance 5 succeeded, 1 running."""
        return ", ".join(f"{count} {state}" for state, count in self.states) or "no jobs"

    @property
    def strip(self) -> list[Segment]:
        """The states as parts of a bar."""
        return segments(self.states)


def segments(states: Sequence[tuple[str, int]]) -> list[Segment]:
    """Parts as long as their share of the bar, but long enough to be seen.

    >>> [(each.state, each.x, each.width) for each in segments([("succeeded", 1), ("running", 1)])]
    [('succeeded', 0.0, 41.2), ('running', 42.8, 41.2)]
    """
    total = sum(count for _, count in states)
    free = STRIP_WIDTH - _GAP * (len(states) - 1) - _LEAST * len(states)
    parts, x = [], 0.0
    for state, count in states:
        width = _LEAST + free * count / total
        parts.append(Segment(state=state, x=round(x, 1), width=round(width, 1)))
        x += width + _GAP
    return parts


def eta_seconds(jobs: Sequence[JobTime]) -> float | None:
    """Seconds until the last job ends, if as many go on running at a time as run now.

    A job that waits counts as long as those that ended took on the average, students where there are any.
    None where none runs, or too little is known.
    """
    running = [job for job in jobs if job.state is JobState.RUNNING]
    known = [job.eta_seconds for job in running if job.eta_seconds is not None]
    if not running or len(known) < len(running):
        return None
    num_open = sum(job.state in (JobState.QUEUED, JobState.WAITING) for job in jobs)
    if not num_open:
        return max(known)
    typical = _typical_seconds(jobs)
    if typical is None:
        return None
    return max(*known, (sum(known) + num_open * typical) / len(running))


def _typical_seconds(jobs: Sequence[JobTime]) -> float | None:
    took = [
        (job.role, (job.finished_at - job.started_at).total_seconds())
        for job in jobs
        if job.state is JobState.SUCCEEDED and job.started_at is not None and job.finished_at is not None
    ]
    of_students = [seconds for role, seconds in took if role == "student"]
    counted = of_students or [seconds for _, seconds in took]
    return sum(counted) / len(counted) if counted else None
