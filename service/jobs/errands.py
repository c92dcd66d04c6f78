"""Jobs that train nothing and belong to no experiment: predictions and plans. They go before the others."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from frs_core.spec import PlanSpec, PredictSpec
from service.db.keys import errand_key
from service.db.leases import now
from service.db.models import Artifact, Job
from service.db.moves import enqueue
from service.db.states import JobState
from service.db.types import new_id
from service.jobs.idempotency import claim_key

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
    spec: PredictSpec | PlanSpec,
    *,
    job_id: str | None = None,
    files: Sequence[InputFile] = (),
    idempotency: tuple[str, str] | None = None,
    max_attempts: int,
) -> Job:
    """Write and queue the job, its files among its artifacts. Raises IdempotencyConflictError."""
    new = job_id or new_id()
    if idempotency is not None and (known := claim_key(session, idempotency, "job", new)) != new:
        return session.get_one(Job, known)
    moment = now(session)
    job = Job(
        id=new,
        position=0,
        kind=spec.kind,
        role=spec.kind,
        label=spec.name,
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
        max_attempts=max_attempts,
        created_at=moment,
    )
    session.add(job)
    session.flush()
    for file in files:
        session.add(
            Artifact(
                job_id=new,
                token=0,
                name=file.name,
                media_type="application/octet-stream",
                uri=file.uri,
                sha256=file.sha256,
                size_bytes=file.size_bytes,
            )
        )
    enqueue(session, job, moment)
    session.flush()
    return job
