"""Garbage collection: what would go, by name, reason and size; and its deletion, once somebody says so.

Rows go before files. What breaks off in between leaves files that no row names, which the next collection
finds; never a row whose file is gone.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactError, ArtifactMissingError, ArtifactStore
from service.db import audit
from service.db.models import Artifact, Checkpoint, Event
from service.db.recording import unreferenced
from service.db.retention import SpareCheckpoint, lock_jobs_of, spare_checkpoints
from service.jobs.cleaner import batches, find_orphans

_log = structlog.get_logger(__name__)

MAX_TOLD = 50
"""So many files are named in the audit trail."""


class PlanChangedError(RuntimeError):
    """What would be deleted now is not what was shown."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """One file to delete, or a checkpoint whose file others still need: `freed_bytes` is 0 then.

    A file that no row names has no checkpoint.
    """

    uri: str
    size_bytes: int
    freed_bytes: int
    reason: str
    checkpoint: SpareCheckpoint | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that would be deleted. `name` is a hash of it: the same name is the same plan."""

    items: Sequence[Garbage]

    @property
    def name(self) -> str:
        """A hash of what is in it."""
        listed = sorted([item.checkpoint.row.id if item.checkpoint else "", item.uri] for item in self.items)
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]

    @property
    def freed_bytes(self) -> int:
        """What its deletion gives back."""
        return sum(item.freed_bytes for item in self.items)

    @property
    def summary(self) -> dict[str, Any]:
        """What it takes away, for the audit trail."""
        return {
            "plan": self.name,
            "num_files": len(self.items),
            "freed_bytes": self.freed_bytes,
            "files": [item.uri for item in self.items[:MAX_TOLD]],
        }


def make_plan(factory: sessionmaker[Session], store: ArtifactStore) -> Plan:
    """What would go now. Raises ArtifactError or OSError while the store is away."""
    orphans = list(_orphans(factory, store))
    with factory() as session:
        return Plan(items=[*_spare(session, spare_checkpoints(session)), *orphans])


def spare_bytes(session: Session) -> int:
    """What the policies would free, without a look at the store."""
    return sum(item.freed_bytes for item in _spare(session, spare_checkpoints(session)))


def carry_out(factory: sessionmaker[Session], store: ArtifactStore, name: str) -> Plan:
    """Delete what the plan of that name lists. Raises PlanChangedError, deleting nothing, where it changed.

    A file that the store does not let go now is left to the next collection.
    """
    orphans = list(_orphans(factory, store))
    with factory.begin() as session:
        lock_jobs_of(session, spare_checkpoints(session))
        spares = spare_checkpoints(session)  # again: what was taken over meanwhile is seen now
        plan = Plan(items=[*_spare(session, spares), *orphans])
        if plan.name != name:
            raise PlanChangedError(
                f"what would be deleted has changed: the plan is {plan.name} now; look at it, then confirm it"
            )
        uris = _delete_rows(session, spares)
        if plan.items:
            audit.tell(session, plan.summary)
    for uri in (*uris, *(item.uri for item in orphans)):
        try:
            store.delete(uri)
        except (ArtifactError, OSError) as error:
            _log.warning("file.orphaned", uri=uri, error=str(error))
    _log.info("garbage.collected", plan=plan.name, items=len(plan.items), freed_bytes=plan.freed_bytes)
    return plan


def _spare(session: Session, spares: Sequence[SpareCheckpoint]) -> Iterator[Garbage]:
    """A file counts once, and not at all where a row that stays names it too."""
    going: dict[str, int] = defaultdict(int)
    for spare in spares:
        going[spare.row.uri] += 1
    rows = _num_rows(session, going)
    seen: set[str] = set()
    for spare in spares:
        row = spare.row
        is_last = rows[row.uri] == going[row.uri]
        freed = row.size_bytes if is_last and row.uri not in seen else 0
        seen.add(row.uri)
        reason = f"its experiment keeps only: {spare.policy}"
        yield Garbage(
            uri=row.uri,
            size_bytes=row.size_bytes,
            freed_bytes=freed,
            reason=reason if is_last else f"{reason}; its file stays, for others share it",
            checkpoint=spare,
        )


def _num_rows(session: Session, uris: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for some in batches(uris):
        for table in (Checkpoint, Artifact):
            counted = select(table.uri, func.count()).where(table.uri.in_(some)).group_by(table.uri)
            for uri, number in session.execute(counted):
                found[uri] += number
    return found


def _orphans(factory: sessionmaker[Session], store: ArtifactStore) -> Iterator[Garbage]:
    for uri in find_orphans(factory, store):
        try:
            size_bytes = store.size(uri)
        except ArtifactMissingError:
            continue  # the keeper removed it meanwhile
        reason = "nothing names this file: an attempt ended between storing and recording it"
        yield Garbage(uri=uri, size_bytes=size_bytes, freed_bytes=size_bytes, reason=reason)


def _delete_rows(session: Session, spares: Sequence[SpareCheckpoint]) -> list[str]:
    """The URIs that nothing names any longer."""
    for some in batches(spare.row.id for spare in spares):
        session.execute(
            delete(Checkpoint).where(Checkpoint.id.in_(some)),
            execution_options={"synchronize_session": False},
        )
    numbers: dict[str, int] = defaultdict(int)
    for spare in spares:
        numbers[spare.experiment_id] += 1
    for experiment_id, number in numbers.items():
        message = f"{number} {'checkpoint was' if number == 1 else 'checkpoints were'} deleted as spare"
        session.add(Event(experiment_id=experiment_id, kind="experiment.collected", message=message))
    uris = {spare.row.uri for spare in spares}
    return [uri for some in batches(uris) for uri in unreferenced(session, set(some))]
