"""Removes stored files that no row names: those of attempts that died between storing and recording."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.datasets.files import remove_unknown_datasets
from service.db.files import forget_imported
from service.db.models import Attempt
from service.db.recording import unreferenced
from service.db.types import is_id
from service.jobs.ownership import owns
from service.settings import Settings

FOLDER = "jobs"
"""Nothing else in the store is looked at: it may share its place with files of others."""

ORPHAN_AGE = timedelta(days=1)
"""A file is recorded within moments of being stored; one that was not for so long never will be."""

_BATCH = 500
_KEY = re.compile(rf"[:/]{FOLDER}/(\w+)/")
_log = structlog.get_logger(__name__)


def clean(factory: sessionmaker[Session], store: ArtifactStore, settings: Settings) -> None:
    """Remove from the store what no row names, if it is this database's; see `remove_orphans`.

    What was imported long ago and is named by nothing else goes first. Raises as `remove_orphans` does.
    """
    with factory.begin() as session:
        forget_imported(session)  # their files are named by no row then
    if not owns(factory, store):
        _log.warning("store.not_ours", remedy="give this system a store of its own; docs/backup.md, Restore")
        return
    remove_orphans(factory, store)
    remove_unknown_datasets(factory, store, settings)


def remove_orphans(
    factory: sessionmaker[Session], store: ArtifactStore, *, older_than: timedelta = ORPHAN_AGE
) -> list[str]:
    """Delete what was stored that long ago, is named by no row, and is not of an attempt that runs.

    Returns the URIs of what was deleted. Raises ArtifactError or OSError while the store is away.
    """
    pieces = store.discard_unfinished(datetime.now(UTC) - older_than, under=FOLDER)
    removed: list[str] = []
    for uri in find_orphans(factory, store, older_than=older_than):
        store.delete(uri)
        removed.append(uri)
    if removed or pieces:
        _log.info("orphans.removed", files=len(removed), unfinished=pieces)
    return removed


def find_orphans(
    factory: sessionmaker[Session], store: ArtifactStore, *, older_than: timedelta = ORPHAN_AGE
) -> Iterator[str]:
    """The URIs of what `remove_orphans` would delete."""
    moment = datetime.now(UTC) - older_than
    for uris in batches(uri for uri in store.written_before(moment, under=FOLDER) if _job_of(uri)):
        with factory() as session:
            orphans = unreferenced(session, set(uris))
            busy = _with_running_attempts(session, {_job_of(uri) for uri in orphans})
        yield from (uri for uri in orphans if _job_of(uri) not in busy)


def _job_of(uri: str) -> str:
    """The id in `SCHEME:.../jobs/ID/...`; empty where it is no file of a job."""
    found = _KEY.search(uri)
    return found[1] if found and is_id(found[1]) else ""


def _with_running_attempts(session: Session, job_ids: set[str]) -> set[str]:
    running = select(Attempt.job_id).where(Attempt.job_id.in_(job_ids), text("attempts.state = 'running'"))
    return set(session.scalars(running))


def batches(names: Iterable[str]) -> Iterator[list[str]]:
    """The names, so many at a time as a statement may hold."""
    rest = iter(names)
    while batch := list(islice(rest, _BATCH)):
        yield batch
