"""From which weights a student learnt: what a comparison holds equal, however they came to be."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from frs_core.spec import canonical_hash
from service.db.models import Checkpoint, Job, JobDependency


def teachers_of(session: Session, jobs: Sequence[Job]) -> dict[str, str]:
    """By job id, of those that learn from a teacher: the SHA-256 of its weights.

    Where none are recorded, the hash of what the specification says of the teacher. A student that reads no
    weights has no teacher, whichever experiment it stands in.
    """
    named = {job.id: job.spec["teacher"] for job in jobs if _learns(job.spec)}
    own = _stored_by_their_teachers(session, list(named))
    references = {teacher.get("checkpoint") for teacher in named.values()} - {None}
    known = select(Checkpoint.id, Checkpoint.sha256).where(Checkpoint.id.in_(references))
    given = {row.id: row.sha256 for row in session.execute(known)}
    return {
        job_id: own.get(job_id) or given.get(teacher.get("checkpoint")) or canonical_hash(teacher)
        for job_id, teacher in named.items()
    }


def _learns(spec: Mapping[str, Any]) -> bool:
    # Read as plain data: an old experiment stays readable when its format is no longer known.
    method = spec.get("method") or {}
    return bool(spec.get("teacher")) and (method.get("name") != "none" or method.get("init") == "inherit")


def _stored_by_their_teachers(session: Session, job_ids: Sequence[str]) -> dict[str, str]:
    """The last weights of the job that each waited for."""
    rows = session.execute(
        select(JobDependency.job_id, Checkpoint.sha256)
        .join(Checkpoint, Checkpoint.job_id == JobDependency.depends_on_id)
        .where(
            JobDependency.job_id.in_(job_ids),
            JobDependency.role == "teacher",
            Checkpoint.kind == CheckpointKind.WEIGHTS.value,
        )
        .order_by(Checkpoint.step)
    )
    return {row.job_id: row.sha256 for row in rows}
