"""What must be true in the end, read from the database and the files."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.artifacts import ArtifactStore
from service.db.models import (
    Artifact,
    Attempt,
    Checkpoint,
    Evaluation,
    Event,
    Experiment,
    Job,
    MetricPoint,
    MetricSeries,
)
from service.db.states import TERMINAL, AttemptState, JobState
from service.jobs.cleaner import FOLDER
from tests.miniature.child import REAL
from tests.miniature.optimisation import quiet_run


@dataclass(frozen=True)
class Wanted:
    """What was asked of an experiment: how many jobs it has, and whether it was cancelled.

    `equals` is the experiment of the same specification that nothing disturbed, for runs of real detectors.
    """

    num_jobs: int
    cancelled: bool
    equals: str | None = None


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


def wrong(session: Session, wanted: dict[str, Wanted], store: ArtifactStore, num_steps: int) -> Iterator[str]:
    """Ends that are not the right one; metrics, weights and files that are not those of a quiet run."""
    for job in session.scalars(select(Job)):
        wish = wanted.get(job.experiment_id or "")
        allowed = {JobState.SUCCEEDED} | ({JobState.CANCELLED} if wish is None or wish.cancelled else set())
        if job.state not in allowed:
            yield f"job {job.id} ({job.name}) is {job.state}: {job.reason}"
        if job.state is JobState.SUCCEEDED and job.spec["detector"]["zoo"] != REAL:
            yield from _other_than_quiet(session, job, store, num_steps)
        elif job.state is JobState.SUCCEEDED and wish is not None and wish.equals is not None:
            yield from _other_than_its_twin(session, job, wish.equals)
    for event in session.scalars(select(Event).where(Event.kind == "job.state")):
        if event.data["to"] == JobState.FAILED:
            yield f"{event.message}, though it went on after that"
    yield from _wrong_files(session, store)


def _other_than_quiet(session: Session, job: Job, store: ArtifactStore, num_steps: int) -> Iterator[str]:
    """Of miniature runs, whose quiet run takes no time."""
    quiet = quiet_run(num_steps, job.seed)
    if job.role != "teacher":
        teacher_seed = session.scalars(
            select(Job.seed).where(Job.experiment_id == job.experiment_id, Job.role == "teacher")
        ).one()
        quiet = quiet_run(num_steps, job.seed, quiet_run(num_steps, teacher_seed).weights)
    found = _series(session, job.id)
    if found != {"train/loss": quiet.losses}:
        yield f"job {job.id} ({job.name}): its metrics are not those of a quiet run: {found}"
    uris = [row.uri for row in _weights(session, job.id)]
    contents = [_content(store, uri) for uri in uris]
    if contents != [json.dumps(quiet.weights).encode()]:
        yield f"job {job.id} ({job.name}): weights {contents}"


def _other_than_its_twin(session: Session, job: Job, experiment_id: str) -> Iterator[str]:
    twin = session.scalars(
        select(Job).where(Job.experiment_id == experiment_id, Job.position == job.position)
    ).one()
    mine, quiet = _series(session, job.id), _series(session, twin.id)
    for name in sorted(mine.keys() | quiet.keys()):
        if mine.get(name) != quiet.get(name):
            yield f"job {job.id} ({job.name}): {name} is not that of the quiet run {twin.id}"
    hashes = [{row.sha256 for row in _weights(session, each)} for each in (job.id, twin.id)]
    if hashes[0] != hashes[1] or len(hashes[0]) != 1:
        yield f"job {job.id} ({job.name}): its weights are not those of the quiet run {twin.id}"
    evaluations = [
        session.execute(
            select(Evaluation.split, Evaluation.step, Evaluation.metrics, Evaluation.per_class)
            .where(Evaluation.job_id == each)
            .order_by(Evaluation.split, Evaluation.step)
        ).all()
        for each in (job.id, twin.id)
    ]
    if evaluations[0] != evaluations[1] or not evaluations[0]:
        yield f"job {job.id} ({job.name}): its evaluations are not those of the quiet run {twin.id}"


def _wrong_files(session: Session, store: ArtifactStore) -> Iterator[str]:
    """Rows whose file is gone or changed, and files without a row, when the cleaner has been there."""
    now = datetime.now(UTC)
    stored = set(store.written_before(now, under=FOLDER))
    named: set[str] = set()
    for table in (Checkpoint, Artifact):
        for row in session.scalars(select(table)):
            named.add(row.uri)
            if isinstance(row, Checkpoint) and row.kind == "state":
                continue  # truncated on purpose, perhaps after the last attempt that could have needed it
            content = _content(store, row.uri) if row.uri in stored else b""
            if hashlib.sha256(content).hexdigest() != row.sha256:
                yield f"{table.__name__} {row.id} of {row.job_id} is not what was stored"
    yield from (f"{uri} is named by no row" for uri in sorted(stored - named))
    pieces = store.discard_unfinished(now, under=FOLDER)
    if pieces:
        yield f"{pieces} unfinished files are in the store"


def _content(store: ArtifactStore, uri: str) -> bytes:
    with store.open(uri) as file:
        return file.read()


def _series(session: Session, job_id: str) -> dict[str, list[tuple[int, float | None]]]:
    rows = session.execute(
        select(MetricSeries.name, MetricPoint.step, MetricPoint.value)
        .join(MetricPoint, MetricSeries.id == MetricPoint.series_id)
        .where(MetricSeries.job_id == job_id)
        .order_by(MetricSeries.name, MetricPoint.step)
    )
    found: dict[str, list[tuple[int, float | None]]] = {}
    for name, step, value in rows:
        found.setdefault(name, []).append((step, value))
    return found


def _weights(session: Session, job_id: str) -> Sequence[Checkpoint]:
    return session.scalars(
        select(Checkpoint).where(Checkpoint.job_id == job_id, Checkpoint.kind == "weights")
    ).all()
