"""How many GPUs each key may still take, and the first job in the queue that keeps to it."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from service.db.models import ApiKey, Job
from service.db.states import JobState

_QUEUED = "jobs.state = 'queued'"
_OPEN = "jobs.state IN ('waiting', 'queued', 'running')"
# Spelled out, not bound: only then do both databases use the partial indexes.


def spare_gpus(session: Session, *, lock: bool = False) -> dict[str, int]:
    """By key, how many GPUs its jobs may take besides those they hold; keys without a limit are left out.

    With `lock`, of two workers that ask at once the second waits for what the first takes.
    """
    limited = select(ApiKey.id, ApiKey.max_running_gpus).where(ApiKey.max_running_gpus.is_not(None))
    if lock:
        limited = limited.order_by(ApiKey.id).with_for_update(key_share=True)
    limits = {key_id: limit for key_id, limit in session.execute(limited) if limit is not None}
    if not limits:
        return {}
    held = (
        select(Job.owner_key_id, func.sum(Job.gpus))
        .where(Job.owner_key_id.in_(limits), text(_OPEN), Job.state == JobState.RUNNING)
        .group_by(Job.owner_key_id)
    )
    in_use = {str(key_id): int(num) for key_id, num in session.execute(held)}
    return {key_id: max(0, limit - in_use.get(key_id, 0)) for key_id, limit in limits.items()}


def first_within(
    session: Session, spare: Mapping[str, int], claimable: ColumnElement[bool], gpus: int
) -> str | None:
    """The id of the first job that `claimable` allows, needs at most `gpus`, and whose key may take as many.

    Jobs are looked up by key and number of GPUs, each time the first alone: however many jobs of a key that
    has used its share stand in front, none of them is looked at.
    """
    heads: list[tuple[float, str]] = []
    for owner, needed in _kinds(session):
        if needed > gpus or (owner is not None and needed > spare.get(owner, needed)):
            continue
        own = Job.owner_key_id.is_(None) if owner is None else Job.owner_key_id == owner
        first = select(Job.rank, Job.id).where(text(_QUEUED), own, Job.gpus == needed, claimable)
        heads += [(row.rank, row.id) for row in session.execute(first.order_by(Job.rank, Job.id).limit(1))]
    return min(heads)[1] if heads else None


def held_back(session: Session, jobs: Iterable[Job]) -> dict[str, str]:
    """By id of a queued job, why it waits although a worker may be free: its key has its share in use."""
    waiting = [job for job in jobs if job.state is JobState.QUEUED and job.gpus and job.owner_key_id]
    if not waiting:
        return {}
    spare = spare_gpus(session)
    short = [job for job in waiting if job.owner_key_id and job.gpus > spare.get(job.owner_key_id, job.gpus)]
    keys = select(ApiKey).where(ApiKey.id.in_({job.owner_key_id for job in short}))
    by_id = {key.id: key for key in session.scalars(keys)} if short else {}
    return {job.id: _why(by_id[job.owner_key_id or ""], job, spare[job.owner_key_id or ""]) for job in short}


def _why(key: ApiKey, job: Job, spare: int) -> str:
    limit = key.max_running_gpus or 0
    if job.gpus > limit:
        return (
            f"it needs {job.gpus} GPUs, and its key {key.name} may use {limit} at a time: "
            "have an admin raise that limit"
        )
    return (
        f"its key {key.name} may use {limit} GPUs at a time and uses {limit - spare}: it goes on when one of "
        "that key's jobs has ended"
    )


def _kinds(session: Session) -> Iterator[tuple[str | None, int]]:
    """Each key with each number of GPUs that its queued jobs need, a step in the index for each."""
    for owned in (False, True):
        own = Job.owner_key_id.is_not(None) if owned else Job.owner_key_id.is_(None)
        order = (Job.owner_key_id, Job.gpus)
        statement = select(*order).where(text(_QUEUED), own).order_by(*order).limit(1)
        found = session.execute(statement).one_or_none()
        while found is not None:
            owner, gpus = found
            yield owner, gpus
            further = statement.where(Job.owner_key_id == owner if owned else own, Job.gpus > gpus)
            found = session.execute(further).one_or_none()
            if found is None and owned:
                found = session.execute(statement.where(Job.owner_key_id > owner)).one_or_none()
