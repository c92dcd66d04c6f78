"""Turns a validated specification into rows, all in the caller's transaction."""

from dataclasses import replace

from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.events import CheckpointKind
from frs_core.spec import ExperimentSpec, JobKind, JobSpec, expand
from service.access.caller import Caller
from service.db.keys import Keys, data_hash
from service.db.leases import now
from service.db.models import Checkpoint, Event, Experiment, ExperimentTag, Job
from service.db.types import is_id, new_id
from service.jobs.idempotency import IdempotencyConflictError, claim_key
from service.jobs.owning import own, owned
from service.jobs.rows import dependencies, job_row, planned_job, preflight_job, write

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
    preflight: bool = False,
    idempotency: tuple[str, str] | None = None,
    priority: int = 0,
    max_attempts: int = MAX_ATTEMPTS,
    owner: Caller | None = None,
) -> Experiment:
    """Write an experiment with its jobs and queue those that wait for nothing.

    They belong to the `owner`, whose name stands in for a `submitted_by` that was not given.

    `idempotency` is a key and the hash of the body it came with: the same two give the experiment of the
    first time. `dataset_report` is None where the server cannot see the data; with `preflight` a worker looks
    at them before anything else.
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
        **owned(spec.submitted_by, owner),
        dataset_report=None if dataset_report is None else dataset_report.model_dump(mode="json"),
        created_at=moment,
        tags=[ExperimentTag(tag=tag) for tag in sorted(set(spec.tags))],
    )
    session.add(experiment)
    session.flush()
    message = f"{spec.name} was submitted"
    session.add(Event(experiment_id=new, kind="experiment.submitted", message=message, created_at=moment))
    keys = Keys(dataset_hash=data_hash(dataset_report), teacher_hash=teacher_hash)
    teacher, *others = expand(spec)
    jobs = [planned_job(spec, teacher, keys)]
    # the key stands for the weights that this job is yet to store
    keys = replace(keys, teacher_hash=jobs[0].job_key)
    jobs += [planned_job(spec, plan, keys) for plan in others]
    if preflight:
        jobs.insert(0, preflight_job(spec))
    for position, job in enumerate(jobs):
        job.experiment_id, job.position = new, position
        job.priority, job.max_attempts, job.created_at = priority, max_attempts, moment
        job.submitted_by, job.owner_key_id = experiment.submitted_by, experiment.owner_key_id
    write(session, jobs, dependencies(jobs, jobs), moment)
    return experiment


def check_known(session: Session, spec: ExperimentSpec) -> str | None:
    """The hash of the teacher's weights where they are stored. Raises UnknownCheckpointError."""
    weights_hash(session, spec.student.checkpoint, "student.checkpoint")
    return weights_hash(session, spec.teacher.checkpoint, "teacher.checkpoint")


def submit_job(
    session: Session,
    spec: JobSpec,
    *,
    dataset_report: DatasetReport | None = None,
    idempotency: tuple[str, str] | None = None,
    priority: int = 0,
    max_attempts: int = MAX_ATTEMPTS,
    owner: Caller | None = None,
) -> Job:
    """Write and queue a job that belongs to no experiment; otherwise as `submit_experiment`."""
    new = new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "job", new)) != new:
        return session.get_one(Job, known)
    weights_hash(session, spec.checkpoint, "checkpoint")
    teacher = None if spec.teacher is None else spec.teacher.checkpoint
    teacher_hash = weights_hash(session, teacher, "teacher.checkpoint")
    moment = now(session)
    job = job_row(spec, role="student" if spec.kind is JobKind.DISTILL else "detector", label=_label(spec))
    job.id = new
    own(job, spec.submitted_by, owner)
    job.job_key = Keys(dataset_hash=data_hash(dataset_report), teacher_hash=teacher_hash).of(spec)
    job.priority, job.max_attempts, job.created_at = priority, max_attempts, moment
    write(session, [job], [], moment)
    return job


def weights_hash(session: Session, name: str | None, field: str) -> str | None:
    """The hash of a stored checkpoint; None for a path, which is not this module's affair."""
    if name is None or not is_id(name):
        return None
    stored = session.get(Checkpoint, name)
    if stored is None:
        raise UnknownCheckpointError(field, name, "is not stored here")
    if stored.kind not in (CheckpointKind.WEIGHTS, CheckpointKind.BEST):
        raise UnknownCheckpointError(field, name, f"is a checkpoint of kind `{stored.kind}`")
    return stored.sha256


def _label(spec: JobSpec) -> str:
    return spec.name if spec.method is None else spec.method.display_label


__all__ = [
    "MAX_ATTEMPTS",
    "IdempotencyConflictError",
    "UnknownCheckpointError",
    "check_known",
    "submit_experiment",
    "submit_job",
    "weights_hash",
]
