"""Queues the judging of what was made elsewhere, as a row of an experiment's comparison."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from frs_core.spec import JobSpec, ScoreSpec
from service.db.models import Job
from service.db.outside import EXTERNAL, hold_label, note_change
from service.db.types import new_id
from service.jobs.errands import InputFile, errand_row, queue_errand
from service.jobs.idempotency import claim_key
from service.jobs.submit import weights_hash


def submit_external(
    session: Session,
    experiment_id: str,
    spec: JobSpec | ScoreSpec,
    *,
    label: str,
    job_id: str | None = None,
    files: Sequence[InputFile] = (),
    idempotency: tuple[str, str] | None = None,
    max_attempts: int,
) -> Job:
    """Write and queue the job of a new row: predictions to score, or a checkpoint to evaluate.

    Its result is never another job's, nor taken for one. Raises NoResultFound, LabelTakenError,
    UnknownCheckpointError and IdempotencyConflictError.
    """
    new = job_id or new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "job", new)) != new:
        return session.get_one(Job, known)
    if isinstance(spec, JobSpec):
        weights_hash(session, spec.checkpoint, "checkpoint")
    experiment = hold_label(session, experiment_id, label)
    last = session.scalars(select(func.max(Job.position)).where(Job.experiment_id == experiment_id)).one()
    job = errand_row(spec, role=EXTERNAL, label=label)
    job.id, job.max_attempts = new, max_attempts
    job.experiment_id, job.position = experiment_id, 1 + (last or 0)
    job.submitted_by, job.owner_key_id = experiment.submitted_by, experiment.owner_key_id
    note_change(session, experiment, f"{label} was added from outside")
    queue_errand(session, job, files)
    return job
