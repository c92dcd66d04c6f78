"""What has been recorded of one job, by the job's full id; nothing for one that is not there."""

from collections.abc import Sequence

from sqlalchemy import literal, select, tuple_
from sqlalchemy.orm import Session

from service.db.metrics import Series, read_series
from service.db.models import Artifact, Attempt, Checkpoint, Evaluation, Event, JobDependency, LogChunk


def job_metrics(
    session: Session,
    job_id: str,
    *,
    names: Sequence[str] | None = None,
    max_points: int | None = None,
    after: int | None = None,
) -> list[Series]:
    """The job's metric series by name, behind step `after`; thinned to about `max_points` each."""
    return read_series(session, job_id, names=names, max_points=max_points, after=after)


def job_logs(
    session: Session, job_id: str, *, after: tuple[int, int] | None = None, limit: int = 200
) -> Sequence[LogChunk]:
    """Log chunks in order, later attempts last; `after` is the (token, offset) of the last chunk seen."""
    statement = select(LogChunk).where(LogChunk.job_id == job_id)
    if after is not None:
        token, offset = after
        statement = statement.where(
            tuple_(LogChunk.token, LogChunk.offset) > tuple_(literal(token), literal(offset))
        )
    return session.scalars(statement.order_by(LogChunk.token, LogChunk.offset).limit(limit)).all()


def job_checkpoints(session: Session, job_id: str) -> Sequence[Checkpoint]:
    """The job's checkpoints by rising step."""
    statement = select(Checkpoint).where(Checkpoint.job_id == job_id)
    return session.scalars(statement.order_by(Checkpoint.step, Checkpoint.kind)).all()


def jobs_checkpoints(session: Session, job_ids: Sequence[str]) -> Sequence[Checkpoint]:
    """The checkpoints of several jobs by rising step."""
    statement = select(Checkpoint).where(Checkpoint.job_id.in_(job_ids))
    return session.scalars(statement.order_by(Checkpoint.step, Checkpoint.kind)).all()


def get_checkpoint(session: Session, checkpoint_id: str) -> Checkpoint | None:
    """A checkpoint by its full id."""
    return session.get(Checkpoint, checkpoint_id)


def job_artifacts(session: Session, job_id: str) -> Sequence[Artifact]:
    """The job's other files by name."""
    return session.scalars(select(Artifact).where(Artifact.job_id == job_id).order_by(Artifact.name)).all()


def get_artifact(session: Session, artifact_id: str) -> Artifact | None:
    """Another file by its full id."""
    return session.get(Artifact, artifact_id)


def job_evaluations(session: Session, job_id: str) -> Sequence[Evaluation]:
    """The job's evaluations by rising step."""
    statement = select(Evaluation).where(Evaluation.job_id == job_id)
    return session.scalars(statement.order_by(Evaluation.step, Evaluation.split)).all()


def job_attempts(session: Session, job_id: str) -> Sequence[Attempt]:
    """The attempts at the job, first to last."""
    return session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.token)).all()


def job_events(session: Session, job_id: str, *, limit: int = 500) -> Sequence[Event]:
    """What happened to the job, first to last; of very many the last ones."""
    statement = select(Event).where(Event.job_id == job_id).order_by(Event.id.desc()).limit(limit)
    return list(reversed(session.scalars(statement).all()))


def job_dependencies(session: Session, job_id: str) -> Sequence[str]:
    """The ids of the jobs it waits for."""
    statement = select(JobDependency.depends_on_id).where(JobDependency.job_id == job_id)
    return session.scalars(statement.order_by(JobDependency.depends_on_id)).all()
