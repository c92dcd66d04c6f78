"""Which stored files belong to jobs that are about to be deleted, and what was drawn from them."""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from service.db.leases import now
from service.db.models import Artifact, Checkpoint, Job, ResampledAp
from service.db.states import JobState

KEPT_AFTER_FAILURE = timedelta(days=1)
"""So long somebody may mend what an import failed of, and have it go on."""


def uris_of(session: Session, jobs: ColumnElement[bool]) -> set[str]:
    """Of the checkpoints and artifacts of the jobs that a condition holds for."""
    uris: set[str] = set()
    for table in (Checkpoint, Artifact):
        uris.update(session.scalars(select(table.uri).join(Job, Job.id == table.job_id).where(jobs)))
    return uris


def matches_of(session: Session, jobs: ColumnElement[bool]) -> list[str]:
    """The hashes of match arrays, by which what was drawn from them is kept."""
    statement = select(Artifact.sha256).join(Job, Job.id == Artifact.job_id)
    return list(session.scalars(statement.where(jobs, Artifact.name.startswith("matches_"))))


def forget_draws(session: Session, hashes: list[str]) -> None:
    """Delete what was drawn from match arrays that no artifact holds any longer."""
    still_named = select(Artifact.id).where(Artifact.sha256 == ResampledAp.matches_sha256).exists()
    session.execute(delete(ResampledAp).where(ResampledAp.matches_sha256.in_(hashes), ~still_named))


def forget_imported(session: Session) -> int:
    """Forget the files that imports were made from, once these have ended; gives how many.

    What was taken in is a checkpoint of its own by then, and the rest of such a file nobody vouches for.
    """
    ended = or_(
        Job.state.in_((JobState.SUCCEEDED, JobState.CANCELLED)),
        (Job.state == JobState.FAILED) & (Job.finished_at < now(session) - KEPT_AFTER_FAILURE),
    )
    imports = select(Job.id).where(Job.kind == "import", ended)
    sources = select(Artifact.id).where(Artifact.job_id.in_(imports), Artifact.token == 0)
    ids = session.scalars(sources).all()
    session.execute(delete(Artifact).where(Artifact.id.in_(ids)))
    return len(ids)
