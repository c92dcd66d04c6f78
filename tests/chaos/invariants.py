"""What must be true in the end, read from the database and the files."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Attempt, Checkpoint, Experiment, Job, MetricPoint, MetricSeries
from service.db.states import TERMINAL, AttemptState, JobState


@dataclass(frozen=True)
class Wanted:
    """What was asked of an experiment: how many jobs it has, and whether it was cancelled."""

    num_jobs: int
    cancelled: bool


def lost(session: Session, wanted: dict[str, Wanted]) -> Iterator[str]:
    """Submissions without their jobs, and jobs without an end."""
    for experiment_id, wish in wanted.items():
        states = session.scalars(select(Job.state).where(Job.experiment_id == experiment_id)).all()
        if len(states) != wish.num_jobs:
            yield f"experiment {experiment_id} has {len(states)} jobs of {wish.num_jobs}"
    for job in session.scalars(select(Job).where(Job.state.not_in(TERMINAL))):
        yield f"job {job.id} ({job.name}) is {job.state}: {job.reason}"


def doubled(session: Session, wanted: dict[str, Wanted]) -> Iterator[str]:
    """Submissions made twice, attempts at one job at one time, tokens that do not grow."""
    for experiment_id in session.scalars(select(Experiment.id)):
        if experiment_id not in wanted:
            yield f"experiment {experiment_id} was not asked for"
    for attempt in session.scalars(select(Attempt).where(Attempt.state == AttemptState.RUNNING)):
        yield f"attempt {attempt.token} at {attempt.job_id} still runs"
    for job in session.scalars(select(Job)):
        attempts = session.scalars(
            select(Attempt).where(Attempt.job_id == job.id).order_by(Attempt.token)
        ).all()
        if [attempt.token for attempt in attempts] != list(range(1, job.token + 1)):
            yield f"job {job.id} has tokens {[attempt.token for attempt in attempts]} to {job.token}"
        for before, after in pairwise(attempts):
            if before.ended_at is None or before.ended_at > after.started_at:
                yield f"job {job.id}: attempt {after.token} began before {before.token} had ended"
        if sum(attempt.state is AttemptState.SUCCEEDED for attempt in attempts) > 1:
            yield f"job {job.id} succeeded twice"


def wrong(session: Session, wanted: dict[str, Wanted], artifacts: Path, num_steps: int) -> Iterator[str]:
    """Ends that are not the right one; metrics, weights and files that are not those of a quiet run."""
    for job in session.scalars(select(Job)):
        wish = wanted.get(job.experiment_id or "")
        allowed = {JobState.SUCCEEDED} | ({JobState.CANCELLED} if wish is None or wish.cancelled else set())
        if job.state not in allowed:
            yield f"job {job.id} ({job.name}) is {job.state}: {job.reason}"
        if job.state is JobState.SUCCEEDED:
            yield from _wrong_numbers(session, job, num_steps)
            yield from _wrong_weights(session, job, artifacts, num_steps)
    # A state may have been truncated on purpose after the last attempt that could have needed it.
    for row in session.scalars(select(Checkpoint).where(Checkpoint.kind != "state")):
        content = _content(artifacts, row.uri)
        if content is None or hashlib.sha256(content).hexdigest() != row.sha256:
            yield f"checkpoint {row.id} ({row.kind}) of {row.job_id} is not what was stored"


def _wrong_numbers(session: Session, job: Job, num_steps: int) -> Iterator[str]:
    points = (
        select(MetricPoint.step, MetricPoint.value)
        .join(MetricSeries, MetricSeries.id == MetricPoint.series_id)
        .where(MetricSeries.job_id == job.id, MetricSeries.name == "train/loss")
        .order_by(MetricPoint.step)
    )
    found = [(step, value) for step, value in session.execute(points)]
    quiet = [(step, float(step * (step + 1) // 2)) for step in range(1, num_steps + 1)]
    if found != quiet:
        yield f"job {job.id}: its {len(found)} points are not the {len(quiet)} of a quiet run"


def _wrong_weights(session: Session, job: Job, artifacts: Path, num_steps: int) -> Iterator[str]:
    rows = session.scalars(
        select(Checkpoint).where(Checkpoint.job_id == job.id, Checkpoint.kind == "weights")
    )
    contents = [_content(artifacts, row.uri) for row in rows]
    total = num_steps * (num_steps + 1) // 2
    teacher = None if job.role == "teacher" else json.dumps({"total": total, "teacher": None})
    if contents != [json.dumps({"total": total, "teacher": teacher}).encode()]:
        yield f"job {job.id} ({job.name}): weights {contents}"


def _content(artifacts: Path, uri: str) -> bytes | None:
    path = artifacts / uri.removeprefix("file:")
    return path.read_bytes() if path.is_file() else None
