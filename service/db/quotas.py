"""What each key may have queued, running and stored, and what it has. A limit that is null does not limit."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from service.db.datasets import has_files
from service.db.models import ApiKey, Artifact, Checkpoint, DatasetVersion, Job
from service.db.states import JobState

OPEN = frozenset({JobState.WAITING, JobState.QUEUED})
"""What counts as queued: it has yet to run, be it for want of a worker or of another job."""
_ASKED = "frs_asked"


class QuotaError(RuntimeError):
    """A key asks for more than it may have. `limit` is the name of the limit."""

    def __init__(self, key: ApiKey, limit: str, *, may: int, used: int, asked: int) -> None:
        what, remedy = _WORDS[limit]
        super().__init__(
            f"the key {key.name} may have {may} {what}, has {used}, and this asks for {asked} more: "
            f"{remedy}, or have an admin raise its limit"
        )
        self.limit, self.may, self.used, self.asked = limit, may, used, asked


_WORDS = {
    "max_queued_jobs": ("queued jobs", "wait until some have run, or cancel some"),
    "max_stored_bytes": ("stored bytes", "delete experiments and data sets that nobody needs"),
}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a key's jobs and data sets are at."""

    queued_jobs: int
    running_gpus: int
    stored_bytes: int


@dataclass
class _Asked:
    """What a transaction adds to a key's account."""

    jobs: int = 0
    rows: list[Artifact | Checkpoint | DatasetVersion] = field(default_factory=list)


def usage(session: Session, key_id: str) -> Usage:
    """What the key has queued, running and stored."""
    return Usage(
        queued_jobs=queued_jobs(session, key_id),
        running_gpus=running_gpus(session, key_id),
        stored_bytes=stored_bytes(session, key_id),
    )


def queued_jobs(session: Session, key_id: str) -> int:
    """How many of its jobs have yet to run."""
    # spelled out as in the index ix_jobs_owner_open
    states = text("jobs.state IN ('waiting', 'queued', 'running')")
    counted = select(func.count()).where(Job.owner_key_id == key_id, states, Job.state.in_(OPEN))
    return session.scalars(counted).one()


def running_gpus(session: Session, key_id: str) -> int:
    """How many GPUs its jobs hold."""
    states = text("jobs.state IN ('waiting', 'queued', 'running')")
    own = (Job.owner_key_id == key_id, states, Job.state == JobState.RUNNING)
    return session.scalars(select(func.coalesce(func.sum(Job.gpus), 0)).where(*own)).one()


def stored_bytes(session: Session, key_id: str) -> int:
    """How many bytes its jobs have stored, as checkpoints and other files, and its data sets as archives."""
    archives = select(func.coalesce(func.sum(DatasetVersion.archive_bytes), 0)).where(
        DatasetVersion.owner_key_id == key_id, has_files()
    )
    return (session.scalars(archives).one() or 0) + sum(
        session.scalars(
            select(func.coalesce(func.sum(table.size_bytes), 0))
            .join(Job, Job.id == table.job_id)
            .where(Job.owner_key_id == key_id)
        ).one()
        for table in (Checkpoint, Artifact)
    )


def require_room(session: Session, key_id: str) -> None:
    """Raises QuotaError for a key that has no byte left to store something in."""
    key = session.get(ApiKey, key_id)
    if key is not None:
        _check_room(session, key, 0)


def enforce(factory: sessionmaker[Session]) -> None:
    """Have each transaction of these sessions fail with QuotaError that would leave a key beyond a limit."""
    event.listen(factory, "before_flush", _note)
    event.listen(factory, "before_commit", _check)


def _note(session: Session, *_: object) -> None:
    asked: dict[str, _Asked] = session.info.setdefault(_ASKED, {})
    for row in session.new:
        if isinstance(row, Job) and row.owner_key_id is not None:
            asked.setdefault(row.owner_key_id, _Asked()).jobs += row.state in OPEN
        elif isinstance(row, Artifact | Checkpoint):
            owner = _owner_of(session, row.job_id)
            if owner is not None:
                asked.setdefault(owner, _Asked()).rows.append(row)
        elif isinstance(row, DatasetVersion) and row.owner_key_id is not None:
            asked.setdefault(row.owner_key_id, _Asked()).rows.append(row)
    for row in session.dirty:
        if isinstance(row, Job) and row.owner_key_id is not None and (more := _opened(row)):
            asked.setdefault(row.owner_key_id, _Asked()).jobs += more


def _owner_of(session: Session, job_id: str) -> str | None:
    with session.no_autoflush:
        return session.scalars(select(Job.owner_key_id).where(Job.id == job_id)).one_or_none()


def _opened(job: Job) -> int:
    """1 for a job that joins the queue, -1 for one that leaves it, else 0."""
    history = inspect(job).attrs.state.history
    if not history.added or not history.deleted:
        return 0
    return (history.added[0] in OPEN) - (history.deleted[0] in OPEN)


def _check(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    asked: dict[str, _Asked] = session.info.pop(_ASKED, {})
    for key in _locked(session, asked):
        _check_queue(session, key, asked[key.id].jobs)
        _check_store(session, key, asked[key.id])


def _locked(session: Session, key_ids: Iterable[str]) -> list[ApiKey]:
    """Of two transactions of one key the second counts what the first has written."""
    wanted = sorted(key_ids)
    if not wanted:
        return []
    rows = select(ApiKey).where(ApiKey.id.in_(wanted)).order_by(ApiKey.id)
    return list(session.scalars(rows.with_for_update(key_share=True)))


def _check_queue(session: Session, key: ApiKey, asked: int) -> None:
    if key.max_queued_jobs is None or asked <= 0:
        return
    queued = queued_jobs(session, key.id)
    if queued > key.max_queued_jobs:
        used = queued - asked
        raise QuotaError(key, "max_queued_jobs", may=key.max_queued_jobs, used=used, asked=asked)


def _check_store(session: Session, key: ApiKey, asked: _Asked) -> None:
    more = sum(_size_bytes(row) for row in asked.rows)
    # what runs will store something, however little: whoever has reached the limit starts nothing more
    if asked.jobs > 0 or more:
        _check_room(session, key, more)


def _check_room(session: Session, key: ApiKey, more: int) -> None:
    """Of what is stored by now, `more` is asked for; a byte at least has to fit."""
    if key.max_stored_bytes is None:
        return
    used = stored_bytes(session, key.id) - more
    if used + max(more, 1) > key.max_stored_bytes:
        raise QuotaError(key, "max_stored_bytes", may=key.max_stored_bytes, used=used, asked=more)


def _size_bytes(row: Artifact | Checkpoint | DatasetVersion) -> int:
    return (row.archive_bytes or 0) if isinstance(row, DatasetVersion) else row.size_bytes
