"""How a worker takes a job from the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from frs_core.spec import AnyJobSpec, read_spec
from service.db.buckets import forget_buckets
from service.db.leases import Lease, now
from service.db.models import Attempt, Evaluation, Job, MetricPoint, MetricSeries
from service.db.moves import move, note_move
from service.db.queue import take_first
from service.db.shares import spare_gpus
from service.db.states import AttemptState, JobState
from service.db.stored import (
    StoredFile,
    StoredInput,
    UnusableJobError,
    archive_of,
    inputs_of,
    newest,
    weights_of,
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job that an attempt now holds.

    `resume_from` is the newest `state` checkpoint, if any. `weights` holds what is to be fetched, by its
    place in the specification: `teacher` for the teacher's, `checkpoint` for that of an evaluate job.
    So does `inputs` for a prediction: `onnx`, and `pictures.0` and so on; for a score: `predictions`; and for
    an import: `source`. `ran_seconds` is what earlier attempts took, `request_id` the request that submitted
    the job.
    """

    lease: Lease
    spec: AnyJobSpec
    experiment_id: str | None
    resume_from: StoredFile | None
    weights: Mapping[str, StoredFile]
    inputs: Mapping[str, StoredInput] = field(default_factory=dict)
    archive: StoredInput | None = None
    ran_seconds: float = 0.0
    request_id: str | None = None


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
    one for several might never see them free together. Jobs without GPUs pass it. A job whose key would have
    more GPUs in use than it may holds back nothing: it is passed over until one of that key's jobs has ended.
    One conditional statement takes the job, so that no two workers get the same. What an earlier attempt
    recorded beyond the checkpoint from which this one continues is deleted in the same transaction.
    """
    moment = now(session)
    spare = spare_gpus(session, lock=True) if gpus else {}
    job = take_first(session, moment, gpus=gpus, all_gpus=all_gpus or gpus, operators=operators, spare=spare)
    if job is None and all_gpus:
        job = take_first(session, moment, gpus=0, all_gpus=0, operators=operators, spare={})
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
        weights = weights_of(session, job.id, spec)
        inputs = inputs_of(session, job.id, spec)
        archive = archive_of(session, spec)
    except UnusableJobError as error:
        _refuse(session, job, attempt, moment, error)
        return None
    state = newest(session, job.id, CheckpointKind.STATE)
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
        archive=archive,
        ran_seconds=_ran_seconds(session, job.id),
        request_id=job.request_id,
    )


def _read(job: Job) -> AnyJobSpec:
    try:
        return read_spec(job.spec)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        reason = f"this version cannot read the job: {fault['msg']}"
        raise UnusableJobError("invalid_spec", ".".join(map(str, fault["loc"])), reason) from error


def _refuse(session: Session, job: Job, attempt: Attempt, moment: datetime, error: UnusableJobError) -> None:
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
    series = session.scalars(select(MetricSeries.id).where(MetricSeries.job_id == job_id)).all()
    points = delete(MetricPoint).where(MetricPoint.series_id.in_(series), MetricPoint.step > step)
    session.execute(points, execution_options={"synchronize_session": False})
    forget_buckets(session, series, beyond=step)
    evaluations = delete(Evaluation).where(Evaluation.job_id == job_id, Evaluation.step > step)
    session.execute(evaluations, execution_options={"synchronize_session": False})


def _rewind(job: Job, state: StoredFile | None) -> None:
    if state is None:
        job.step = job.epoch = 0
        job.latest_loss = job.latest_ap = None
    else:
        job.step, job.epoch = state.step, state.epoch
