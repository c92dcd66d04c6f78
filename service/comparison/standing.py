"""Where an experiment stands, in one row: computed when something of it is new, not when it is listed."""

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, selectinload, sessionmaker

from service.comparison.guard import IncomparableError
from service.comparison.load import comparison_of
from service.comparison.result import Comparison
from service.comparison.verdict import leading_row
from service.db import standings
from service.db.models import Experiment, Job
from service.db.outside import EXTERNAL
from service.db.standings import AsOf, Made
from service.db.states import EXPERIMENT_STATES, JobState, experiment_state

_JobRow = Row[JobState, str, str | None, int]

BATCH = 20
"""So many experiments are read, then written, in one transaction each."""

MANY = 100
"""So many new rows at a time, as after an upgrade, and the database looks at them anew."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The row that speaks for an experiment; `delta_ap` is None where no row may claim a difference."""

    label: str | None = None
    ap: float | None = None
    delta_ap: float | None = None
    n: int = 0
    is_clear: bool = False


def best_row(comparison: Comparison) -> Best:
    """The row that leads, of two seeds or more: one makes no claim. Else that with the highest AP.

    None of them where only a part of the images was used.
    """
    if comparison.max_images is not None:
        return Best()
    row = leading_row(comparison.rows, baseline=comparison.baseline)
    if row is not None and row.delta_ap_n > 1:
        return Best(
            label=row.label, ap=row.metrics["ap"].mean, delta_ap=row.delta_ap, n=row.delta_ap_n,
            is_clear=row.is_clear,
        )  # fmt: skip
    students = [
        (ap, row)
        for row in comparison.rows
        if row.role == "student" and row.source == "run" and (ap := row.metrics["ap"].mean) is not None
    ]
    if not students:
        return Best()
    ap, row = max(students, key=lambda pair: pair[0])
    return Best(label=row.label, ap=ap, n=row.metrics["ap"].n)


def refresh(read: sessionmaker[Session], write: sessionmaker[Session], *, seconds: float = math.inf) -> int:
    """Bring the standings up to date; gives how many are still to be done where that took `seconds`.

    Any number of processes may do so at a time: none waits for another, and no older row replaces a newer.
    """
    deadline = time.monotonic() + seconds
    with read() as session:
        stale = standings.stale(session)
    left = _renew(read, write, stale.changed, deadline)
    if not left and stale.settled_event_id > stale.seen_event_id:
        with write.begin() as session:
            standings.advance(session, stale.settled_event_id)
    num_missing = _renew(read, write, stale.missing, deadline)
    if len(stale.missing) - num_missing >= MANY:
        with write.begin() as session:
            standings.analyse(session)
    return left + num_missing


def standing_of(session: Session, experiment: Experiment, as_of: AsOf) -> Made:
    """Where an experiment, whose tags are loaded, stands."""
    jobs = session.execute(
        select(Job.state, Job.role, Job.method, Job.seed).where(
            Job.experiment_id == experiment.id, Job.role != EXTERNAL
        )
    ).all()
    state = experiment_state([job.state for job in jobs])
    done, total = _seeds(jobs)
    best = _best(session, experiment, jobs)
    dataset = dataset_name(experiment.spec["dataset"])
    columns = {
        "experiment_id": experiment.id,
        "event_id": as_of.event_id,
        "num_events": as_of.num_events,
        "archived": experiment.archived_at is not None,
        "created_at": experiment.created_at,
        "name_folded": experiment.name.casefold(),
        "owner": experiment.submitted_by,
        "state": state,
        "state_order": EXPERIMENT_STATES.index(state),
        "dataset": dataset,
        "num_jobs": len(jobs),
        "job_states": dict(Counter(job.state.value for job in jobs)),
        "seeds_done": done,
        "seeds_total": total,
        "best_label": best.label,
        "best_ap": best.ap,
        "best_delta": best.delta_ap,
        "best_n": best.n,
        "is_clear": best.is_clear,
    }
    facets = {
        "state": [state],
        "dataset": [dataset],
        "method": [job.method for job in jobs if job.method is not None],
        "tag": [tag.tag for tag in experiment.tags],
    }
    return Made(columns=columns, facets=facets)


def dataset_name(dataset: Mapping[str, Any]) -> str:
    """A short name: that of a registered version, the last part of the folder, or the format.

    >>> dataset_name({"format": "voc", "root": "/data/bccd/"}), dataset_name({"format": "synthetic"})
    ('bccd', 'synthetic')
    """
    if dataset.get("registered"):
        return str(dataset["registered"])
    return (PurePosixPath(dataset.get("root") or "").name or str(dataset["format"]))[:255]


def _renew(
    read: sessionmaker[Session], write: sessionmaker[Session], experiment_ids: Sequence[str], deadline: float
) -> int:
    """How many were left at the deadline; some are always done."""
    for batch, num_left in _batches(experiment_ids):
        with read() as session:
            made = _made(session, batch)
        with write.begin() as session:
            standings.write(session, made)
        if time.monotonic() >= deadline:
            return num_left
    return 0


def _batches(experiment_ids: Sequence[str]) -> Iterator[tuple[Sequence[str], int]]:
    """Parts, each with how many come behind it."""
    for start in range(0, len(experiment_ids), BATCH):
        batch = experiment_ids[start : start + BATCH]
        yield batch, len(experiment_ids) - start - len(batch)


def _made(session: Session, experiment_ids: Sequence[str]) -> list[Made]:
    as_of = standings.as_of(session, experiment_ids)
    statement = (
        select(Experiment).where(Experiment.id.in_(experiment_ids)).options(selectinload(Experiment.tags))
    )
    return [standing_of(session, each, as_of[each.id]) for each in session.scalars(statement).all()]


def _seeds(jobs: Sequence[_JobRow]) -> tuple[int, int]:
    """Of how many seeds every student has ended well, and how many there are."""
    states: dict[int, set[JobState]] = defaultdict(set)
    for job in jobs:
        if job.role == "student":
            states[job.seed].add(job.state)
    return sum(each == {JobState.SUCCEEDED} for each in states.values()), len(states)


def _best(session: Session, experiment: Experiment, jobs: Sequence[_JobRow]) -> Best:
    if not any(job.role == "student" and job.state is JobState.SUCCEEDED for job in jobs):
        return Best()
    try:
        return best_row(comparison_of(session, experiment.id))
    except IncomparableError:
        return Best()
