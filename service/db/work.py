"""What the jobs of listed experiments are at, read for many experiments at once and without their rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, case, cast, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import Double

from service.db.models import Job
from service.db.outside import EXTERNAL
from service.db.states import JobState


@dataclass(frozen=True, kw_only=True)
class JobTime:
    """When a job began and ended, and how long it says it still needs."""

    role: str
    state: JobState
    eta_seconds: float | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(kw_only=True)
class Work:
    """How many jobs are in each state, the share of 0 to 1 that is done, and the times where one runs."""

    states: dict[JobState, int] = field(default_factory=dict)
    progress: float = 0.0
    times: list[JobTime] = field(default_factory=list)


def work_of(session: Session, experiment_ids: Sequence[str], *, with_times: bool = False) -> dict[str, Work]:
    """By experiment; every job counts alike, as `job_progress` says how far it is."""
    statement = (
        select(Job.experiment_id, Job.state, func.count(), func.sum(_share()))
        .where(Job.experiment_id.in_(experiment_ids), Job.role != EXTERNAL)
        .group_by(Job.experiment_id, Job.state)
    )
    found: dict[str, Work] = defaultdict(Work)
    for experiment_id, state, number, done in session.execute(statement):
        work = found[experiment_id or ""]
        work.states[state] = number
        work.progress += done
    for work in found.values():
        work.progress /= sum(work.states.values())
    if with_times:
        _add_times(session, found)
    return {each: found[each] for each in experiment_ids}


def _add_times(session: Session, found: dict[str, Work]) -> None:
    running = [each for each, work in found.items() if JobState.RUNNING in work.states]
    statement = select(
        Job.experiment_id, Job.role, Job.state, Job.eta_seconds, Job.started_at, Job.finished_at
    ).where(Job.experiment_id.in_(running), Job.role != EXTERNAL)
    for row in session.execute(statement) if running else ():
        found[row.experiment_id or ""].times.append(
            JobTime(
                role=row.role,
                state=row.state,
                eta_seconds=row.eta_seconds,
                started_at=row.started_at,
                finished_at=row.finished_at,
            )
        )


def _share() -> ColumnElement[float]:
    return case(
        (Job.state == JobState.SUCCEEDED, 1.0),
        (Job.total_steps == 0, 0.0),
        (Job.step >= Job.total_steps, 1.0),
        else_=cast(Job.step, Double) / Job.total_steps,
    )
