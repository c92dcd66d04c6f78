"""Jobs that train nothing: predictions, plans, imports, rows from outside. They go before the others."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from frs_core.spec import ImportSpec, JobSpec, PlanSpec, PredictSpec, PreflightSpec, ScoreSpec
from service.access.caller import Caller
from service.db.datasets import note_uses
from service.db.keys import errand_key
from service.db.leases import now
from service.db.models import Artifact, Job
from service.db.moves import enqueue
from service.db.states import JobState
from service.db.types import new_id
from service.jobs.idempotency import claim_key
from service.jobs.owning import own

PRIORITY = 24
"""A day of waiting: somebody sits and waits for an answer that takes a minute."""


class InputFile(NamedTuple):
    """A stored file that the job reads; `name` is what its specification calls it."""

    name: str
    uri: str
    sha256: str
    size_bytes: int


def submit_errand(
    session: Session,
    spec: PredictSpec | PlanSpec | ImportSpec,
    *,
    job_id: str | None = None,
    files: Sequence[InputFile] = (),
    idempotency: tuple[str, str] | None = None,
    max_attempts: int,
    owner: Caller | None = None,
) -> Job:
    """Write and queue the job, its files among its artifacts. Raises IdempotencyConflictError."""
    new = job_id or new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "job", new)) != new:
        return session.get_one(Job, known)
    job = errand_row(spec, role=spec.kind, label=spec.name)
    job.id, job.max_attempts = new, max_attempts
    own(job, spec.submitted_by, owner)
    queue_errand(session, job, files)
    return job


def errand_row(
    spec: JobSpec | PredictSpec | PlanSpec | PreflightSpec | ScoreSpec | ImportSpec, *, role: str, label: str
) -> Job:
    """The row of a job that goes before the others; id, place and number of attempts are the caller's."""
    return Job(
        position=0,
        kind=str(spec.kind),
        role=role,
        label=label,
        name=spec.name,
        method=None,
        seed=0,
        spec=spec.model_dump(mode="json"),
        job_key=errand_key(spec),
        submitted_by=spec.submitted_by,
        gpus=spec.resources.gpus,
        compiled_operators=bool(spec.operators),
        state=JobState.WAITING,
        priority=PRIORITY,
    )


def queue_errand(session: Session, job: Job, files: Sequence[InputFile]) -> None:
    """Write and queue a job with the files that it reads, among its artifacts."""
    job.created_at = now(session)
    session.add(job)
    session.flush()
    note_uses(session, [job])
    for file in files:
        session.add(
            Artifact(
                job_id=job.id,
                token=0,
                name=file.name,
                media_type="application/octet-stream",
                uri=file.uri,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
            )
        )
    enqueue(session, job, job.created_at)
    session.flush()
