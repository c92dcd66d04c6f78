"""How a worker takes a job from the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, and_, delete, literal, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from frs_core.events import CheckpointKind
from frs_core.spec import AnyJobSpec, JobSpec, PlanSpec, PredictSpec, PreflightSpec, read_spec
from service.db.leases import Lease, now
from service.db.models import (
    Artifact,
    Attempt,
    Checkpoint,
    Evaluation,
    Job,
    JobDependency,
    MetricPoint,
    MetricSeries,
)
from service.db.moves import move, note_move
from service.db.states import AttemptState, DesiredState, JobState
from service.db.types import is_id

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A checkpoint in the artifact store."""

    checkpoint_id: str
    uri: str
    sha256: str
    size_bytes: int
    step: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class StoredInput:
    """An artifact in the store that the job reads."""

    uri: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that an attempt now holds.

    `resume_from` is the newest `state` checkpoint, if any. `weights` holds what is to be fetched, by its
    place in the specification: `teacher` for the teacher's, `checkpoint` for that of an evaluate job.
    So does `inputs` for a prediction: `onnx`, and `pictures.0` and so on. `ran_seconds` is what earlier
    attempts took.
    """

    lease: Lease
    spec: AnyJobSpec
    experiment_id: str | None
    resume_from: StoredFile | None
    weights: Mapping[str, StoredFile]
    inputs: Mapping[str, StoredInput] = field(default_factory=dict)
    ran_seconds: float = 0.0


def claim(
    session: Session,
    worker_id: str,
    *,
    gpus: int,
    all_gpus: int | None = None,
    lease_seconds: float,
    operators: bool = False,
) -> Claim | None:
    """Take the first job for a worker with `gpus` free GPUs, of `all_gpus`; None when there is none.

    `operators` says whether its mmcv has the compiled ones.

    A job for more GPUs than are free, but no more than there are, holds back the GPU jobs behind it: else
    one for several might never see them free together. Jobs without GPUs pass it.
    One conditional statement takes the job, so that no two workers get the same. What an earlier attempt
    recorded beyond the checkpoint from which this one continues is deleted in the same transaction.
    """
    moment = now(session)
    job = _take_first(session, moment, gpus, all_gpus or gpus, operators)
    if job is None and all_gpus:
        job = _take_first(session, moment, 0, 0, operators)
    if job is None:
        return None
    attempt = Attempt(
        job_id=job.id,
        worker_id=worker_id,
        token=job.token,
        started_at=moment,
        heartbeat_at=moment,
        lease_expires_at=moment + timedelta(seconds=lease_seconds),
    )
    session.add(attempt)
    note_move(session, job, JobState.QUEUED, moment)
    session.flush()
    try:
        spec = _read(job)
        weights = _weights(session, job.id, spec)
        inputs = _inputs(session, job.id, spec) if isinstance(spec, PredictSpec) else {}
    except _UnusableJobError as error:
        _refuse(session, job, attempt, moment, error)
        return None
    state = _newest(session, job.id, CheckpointKind.STATE)
    _forget_beyond(session, job.id, -1 if state is None else state.step)
    _rewind(job, state)
    attempt.resumed_from_step = None if state is None else state.step
    return Claim(
        lease=Lease(job_id=job.id, attempt_id=attempt.id, token=job.token),
        spec=spec,
        experiment_id=job.experiment_id,
        resume_from=state,
        weights=weights,
        inputs=inputs,
        ran_seconds=_ran_seconds(session, job.id),
    )


def has_claimable(
    session: Session, *, gpus: int, all_gpus: int | None = None, operators: bool = False
) -> bool:
    """Whether `claim` would find a job."""
    moment = now(session)
    needed = session.scalar(_first(Job.gpus, moment, all_gpus or gpus, operators))
    if needed is not None and needed > gpus:
        needed = session.scalar(_first(Job.gpus, moment, 0, operators))
    return needed is not None


def _claimable(moment: datetime, gpus: int, operators: bool) -> ColumnElement[bool]:
    # The state is spelled out, not bound: only then do both databases use the partial index ix_jobs_queue.
    return and_(
        text("jobs.state = 'queued'"),
        or_(Job.not_before.is_(None), Job.not_before <= moment),
        Job.gpus <= gpus,
        or_(~Job.compiled_operators, literal(operators)),
        Job.desired_state == DesiredState.RUN,
    )


def _first(
    column: InstrumentedAttribute[ValueT], moment: datetime, gpus: int, operators: bool
) -> Select[ValueT]:
    return select(column).where(_claimable(moment, gpus, operators)).order_by(Job.rank, Job.id).limit(1)


def _take_first(session: Session, moment: datetime, gpus: int, all_gpus: int, operators: bool) -> Job | None:
    first = _first(Job.id, moment, all_gpus, operators).with_for_update(skip_locked=True)
    statement = (
        update(Job)
        .where(Job.id == first.scalar_subquery(), Job.gpus <= gpus)
        .values(
            state=JobState.RUNNING,
            token=Job.token + 1,
            num_attempts=Job.num_attempts + 1,
            started_at=moment,
            not_before=None,
            phase=None,
            eta_seconds=None,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return session.scalars(statement).one_or_none()


class _UnusableJobError(Exception):
    """A job that no worker can do."""

    def __init__(self, code: str, field: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.field, self.reason = code, field, reason


def _read(job: Job) -> AnyJobSpec:
    try:
        return read_spec(job.spec)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        reason = f"this version cannot read the job: {fault['msg']}"
        raise _UnusableJobError("invalid_spec", ".".join(map(str, fault["loc"])), reason) from error


def _refuse(session: Session, job: Job, attempt: Attempt, moment: datetime, error: _UnusableJobError) -> None:
    """Fail a job that nobody can do, lest it stay at the head of the queue for ever."""
    attempt.state, attempt.ended_at = AttemptState.FAILED, moment
    attempt.reason_code, attempt.reason = error.code, error.reason
    move(
        session,
        job,
        JobState.FAILED,
        moment,
        reason_code=error.code,
        reason=error.reason,
        reason_field=error.field[:200] or None,
    )


def _ran_seconds(session: Session, job_id: str) -> float:
    attempts = session.scalars(select(Attempt).where(Attempt.job_id == job_id, Attempt.ended_at.is_not(None)))
    return sum((each.ended_at - each.started_at).total_seconds() for each in attempts if each.ended_at)


def _forget_beyond(session: Session, job_id: str, step: int) -> None:
    series = select(MetricSeries.id).where(MetricSeries.job_id == job_id)
    points = delete(MetricPoint).where(MetricPoint.series_id.in_(series), MetricPoint.step > step)
    session.execute(points, execution_options={"synchronize_session": False})
    evaluations = delete(Evaluation).where(Evaluation.job_id == job_id, Evaluation.step > step)
    session.execute(evaluations, execution_options={"synchronize_session": False})


def _rewind(job: Job, state: StoredFile | None) -> None:
    if state is None:
        job.step = job.epoch = 0
        job.latest_loss = job.latest_ap = None
    else:
        job.step, job.epoch = state.step, state.epoch


def _weights(session: Session, job_id: str, spec: AnyJobSpec) -> dict[str, StoredFile]:
    given = None if isinstance(spec, PlanSpec | PreflightSpec) else spec.checkpoint
    found = {
        "checkpoint": _stored(session, given, "checkpoint"),
        "teacher": _teacher(session, job_id, spec) if isinstance(spec, JobSpec) else None,
    }
    return {place: file for place, file in found.items() if file is not None}


def _teacher(session: Session, job_id: str, spec: JobSpec) -> StoredFile | None:
    if spec.teacher is None:
        return None
    if spec.teacher.checkpoint is not None:
        return _stored(session, spec.teacher.checkpoint, "teacher.checkpoint")
    source = select(JobDependency.depends_on_id).where(
        JobDependency.job_id == job_id, JobDependency.role == "teacher"
    )
    teacher_id = session.scalars(source).one_or_none()
    return None if teacher_id is None else _newest(session, teacher_id, CheckpointKind.WEIGHTS)


def _inputs(session: Session, job_id: str, spec: PredictSpec) -> dict[str, StoredInput]:
    rows = {row.name: row for row in session.scalars(select(Artifact).where(Artifact.job_id == job_id))}
    found = {f"pictures.{number}": rows.get(item.file) for number, item in enumerate(spec.pictures)}
    if spec.onnx is not None and is_id(spec.onnx):
        found["onnx"] = session.get(Artifact, spec.onnx)
    for place, row in found.items():
        if row is None:
            reason = "the stored file was deleted; ask for the prediction again"
            raise _UnusableJobError("invalid_input", place, reason)
    return {place: StoredInput(uri=row.uri, sha256=row.sha256) for place, row in found.items() if row}


def _newest(session: Session, job_id: str, kind: CheckpointKind) -> StoredFile | None:
    statement = select(Checkpoint).where(Checkpoint.job_id == job_id, Checkpoint.kind == kind.value)
    row = session.scalars(statement.order_by(Checkpoint.step.desc()).limit(1)).one_or_none()
    return None if row is None else _file(row)


def _stored(session: Session, name: str | None, field: str) -> StoredFile | None:
    """The checkpoint of that id; None for a path. What was there at the submission may be deleted by now."""
    if name is None or not is_id(name):
        return None
    row = session.get(Checkpoint, name)
    if row is None:
        reason = f"the stored checkpoint {name} was deleted; submit the job again with another one"
        raise _UnusableJobError("invalid_checkpoint", field, reason)
    return _file(row)


def _file(row: Checkpoint) -> StoredFile:
    return StoredFile(
        checkpoint_id=row.id,
        uri=row.uri,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        step=row.step,
        epoch=row.epoch,
    )
