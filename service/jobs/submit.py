"""Turns a validated specification into rows, all in the caller's transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.events import CheckpointKind
from frs_core.spec import ExperimentSpec, JobKind, JobSpec, PlannedJob, expand
from service.db.leases import now
from service.db.models import Checkpoint, Event, Experiment, ExperimentTag, Job, JobDependency
from service.db.moves import enqueue
from service.db.search import SEARCH
from service.db.states import JobState
from service.db.types import is_id, new_id
from service.jobs.idempotency import IdempotencyConflictError, claim_key
from service.jobs.keys import job_key

MAX_ATTEMPTS = 3


class UnknownCheckpointError(ValueError):
    """A specification names a stored checkpoint that is not there. `field` is its place."""

    def __init__(self, field: str, checkpoint_id: str, fault: str) -> None:
        super().__init__(
            f"{field} is {checkpoint_id!r}, which {fault}; give the id of a checkpoint of kind `weights`, "
            "as /jobs/{id}/checkpoints lists them, a path, an https address, or zoo"
        )
        self.field = field


def submit_experiment(
    session: Session,
    spec: ExperimentSpec,
    *,
    dataset_report: DatasetReport | None,
    idempotency: tuple[str, str] | None = None,
    priority: int = 0,
    max_attempts: int = MAX_ATTEMPTS,
) -> Experiment:
    """Write an experiment with its jobs and queue those that wait for nothing.

    `idempotency` is a key and the hash of the body it came with: the same two give the experiment of the
    first time. `dataset_report` is None where the server cannot see the data.
    Raises IdempotencyConflictError and UnknownCheckpointError.
    """
    new = new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "experiment", new)) != new:
        return session.get_one(Experiment, known)
    teacher_hash = check_known(session, spec)
    moment = now(session)
    experiment = Experiment(
        id=new,
        name=spec.name,
        spec=spec.model_dump(mode="json"),
        submitted_by=spec.submitted_by,
        dataset_report=None if dataset_report is None else dataset_report.model_dump(mode="json"),
        created_at=moment,
        tags=[ExperimentTag(tag=tag) for tag in sorted(set(spec.tags))],
    )
    session.add(experiment)
    session.flush()
    message = f"{spec.name} was submitted"
    session.add(Event(experiment_id=new, kind="experiment.submitted", message=message, created_at=moment))
    planned = expand(spec)
    jobs = [_planned_job(plan, position) for position, plan in enumerate(planned)]
    data_hash = _data_hash(dataset_report)
    for plan, job in zip(planned, jobs, strict=True):
        job.experiment_id, job.submitted_by = new, spec.submitted_by
        key_of = partial(job_key, dataset_hash=data_hash, teacher_hash=teacher_hash)
        job.job_key = key_of(plan.spec)
        if job.role == "teacher":
            teacher_hash = job.job_key  # stands for the weights that this job is yet to store
        job.search = _search(spec, plan, key_of)
        job.priority, job.max_attempts, job.created_at = priority, max_attempts, moment
    _write(session, jobs, _dependencies(jobs), moment)
    return experiment


def _search(
    experiment: ExperimentSpec, plan: PlannedJob, key_of: Callable[[JobSpec], str]
) -> dict[str, Any] | None:
    """What the method of a student's job may become; None where nothing is searched for."""
    if plan.role != "student":
        return None
    method = next(each for each in experiment.methods if each.display_label == plan.label)
    candidates = [
        {
            "values": dict(values),
            "method": each.model_dump(mode="json"),
            "job_key": key_of(plan.spec.model_copy(update={"method": each})),
        }
        for values, each in method.candidates()
    ]
    return {"candidates": candidates} if candidates else None


def check_known(session: Session, spec: ExperimentSpec) -> str | None:
    """The hash of the teacher's weights where they are stored. Raises UnknownCheckpointError."""
    _weights_hash(session, spec.student.checkpoint, "student.checkpoint")
    return _weights_hash(session, spec.teacher.checkpoint, "teacher.checkpoint")


def submit_job(
    session: Session,
    spec: JobSpec,
    *,
    dataset_report: DatasetReport | None = None,
    idempotency: tuple[str, str] | None = None,
    priority: int = 0,
    max_attempts: int = MAX_ATTEMPTS,
) -> Job:
    """Write and queue a job that belongs to no experiment; otherwise as `submit_experiment`."""
    new = new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "job", new)) != new:
        return session.get_one(Job, known)
    _weights_hash(session, spec.checkpoint, "checkpoint")
    teacher = None if spec.teacher is None else spec.teacher.checkpoint
    teacher_hash = _weights_hash(session, teacher, "teacher.checkpoint")
    moment = now(session)
    job = _job(spec, role="student" if spec.kind is JobKind.DISTILL else "detector", label=_label(spec))
    job.id, job.submitted_by = new, spec.submitted_by
    job.job_key = job_key(spec, dataset_hash=_data_hash(dataset_report), teacher_hash=teacher_hash)
    job.priority, job.max_attempts, job.created_at = priority, max_attempts, moment
    _write(session, [job], [], moment)
    return job


def _weights_hash(session: Session, name: str | None, field: str) -> str | None:
    """The hash of a stored checkpoint; None for a path, which is not this module's affair."""
    if name is None or not is_id(name):
        return None
    stored = session.get(Checkpoint, name)
    if stored is None:
        raise UnknownCheckpointError(field, name, "is not stored here")
    if stored.kind not in (CheckpointKind.WEIGHTS, CheckpointKind.BEST):
        raise UnknownCheckpointError(field, name, f"is a checkpoint of kind `{stored.kind}`")
    return stored.sha256


def _data_hash(report: DatasetReport | None) -> str | None:
    return None if report is None else report.dataset_hash


def _label(spec: JobSpec) -> str:
    return spec.name if spec.method is None else spec.method.display_label


def _planned_job(plan: PlannedJob, position: int) -> Job:
    job = _job(plan.spec, role=plan.role, label=plan.label)
    job.position = position
    return job


def _job(spec: JobSpec, *, role: str, label: str) -> Job:
    return Job(
        id=new_id(),
        position=0,
        kind=spec.kind.value,
        role=role,
        label=label,
        name=spec.name,
        method=None if spec.method is None else spec.method.name,
        seed=spec.seed,
        spec=spec.model_dump(mode="json"),
        gpus=spec.resources.gpus,
        compiled_operators=bool(spec.operators),
        state=JobState.WAITING,
    )


def _dependencies(jobs: Sequence[Job]) -> list[JobDependency]:
    """All wait for the teacher, and what is judged for the search of its own row."""
    return [
        JobDependency(job_id=job.id, depends_on_id=other.id, role=other.role)
        for job in jobs
        for other in jobs
        if (other.role == "teacher" and job.role != "teacher")
        or (other.role == SEARCH and job.role == "student" and job.label == other.label)
    ]


def _write(
    session: Session, jobs: Sequence[Job], dependencies: Sequence[JobDependency], moment: datetime
) -> None:
    session.add_all(jobs)
    session.flush()
    session.add_all(dependencies)
    held_back = {dependency.job_id for dependency in dependencies}
    for job in jobs:
        if job.id not in held_back:
            enqueue(session, job, moment)
    session.flush()


__all__ = [
    "MAX_ATTEMPTS",
    "IdempotencyConflictError",
    "UnknownCheckpointError",
    "check_known",
    "submit_experiment",
    "submit_job",
]
