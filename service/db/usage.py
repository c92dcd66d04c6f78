"""How much the stored files of whom take. A file that several rows share is counted once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from service.db.models import Artifact, Checkpoint, Experiment, Job


@dataclass(frozen=True, kw_only=True)
class Share:
    """The distinct files of one kind, or of one experiment: `id` is None for jobs of their own."""

    id: str | None
    name: str
    num_files: int
    size_bytes: int


def usage_in_all(session: Session) -> Share:
    """Everything that a row names."""
    files = _files().subquery()
    number, size = session.execute(select(func.count(), func.sum(files.c.size))).one()
    return Share(id=None, name="all", num_files=number, size_bytes=int(size or 0))


def usage_by_kind(session: Session) -> Sequence[Share]:
    """By kind of checkpoint, and `artifact` for other files; the largest first."""
    rows = union_all(
        select(
            Checkpoint.kind.label("kind"), Checkpoint.uri.label("uri"), Checkpoint.size_bytes.label("size")
        ),
        select(
            literal("artifact").label("kind"), Artifact.uri.label("uri"), Artifact.size_bytes.label("size")
        ),
    ).subquery()
    files = select(rows.c.kind, rows.c.uri, func.max(rows.c.size).label("size"))
    distinct = files.group_by(rows.c.kind, rows.c.uri).subquery()
    counted = select(distinct.c.kind, func.count(), func.sum(distinct.c.size)).group_by(distinct.c.kind)
    found = [
        Share(id=None, name=kind, num_files=n, size_bytes=int(size))
        for kind, n, size in session.execute(counted)
    ]
    return sorted(found, key=lambda share: (-share.size_bytes, share.name))


def usage_by_experiment(session: Session, *, limit: int) -> Sequence[Share]:
    """The experiments whose files take most, and the jobs that belong to none, together."""
    rows = union_all(
        *(
            select(
                Job.experiment_id.label("experiment"), table.uri.label("uri"), table.size_bytes.label("size")
            ).join(Job, Job.id == table.job_id)
            for table in (Checkpoint, Artifact)
        )
    ).subquery()
    files = select(rows.c.experiment, rows.c.uri, func.max(rows.c.size).label("size"))
    distinct = files.group_by(rows.c.experiment, rows.c.uri).subquery()
    size = func.sum(distinct.c.size)
    counted = (
        select(distinct.c.experiment, Experiment.name, func.count(), size)
        .outerjoin(Experiment, Experiment.id == distinct.c.experiment)
        .group_by(distinct.c.experiment, Experiment.name)
        .order_by(size.desc(), distinct.c.experiment)
        .limit(limit)
    )
    return [
        Share(id=known, name=name or "jobs of no experiment", num_files=number, size_bytes=int(total))
        for known, name, number, total in session.execute(counted)
    ]


def _files() -> Select[str, int]:
    rows = union_all(
        *(select(table.uri.label("uri"), table.size_bytes.label("size")) for table in (Checkpoint, Artifact))
    ).subquery()
    return select(rows.c.uri, func.max(rows.c.size).label("size")).group_by(rows.c.uri)
