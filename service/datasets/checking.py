"""Checks one registered version: finds its files, reads all of them, and writes down what is in them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from frs_core.archives import ArchiveError
from frs_core.datasets.check import examine
from frs_core.datasets.roots import escaping_links, outside
from service.artifacts import ArtifactMissingError, ArtifactStore, HashMismatchError
from service.datasets.files import forget, located
from service.db.dataset_checks import Outcome, claim_check, finish_check, renew_check
from service.db.models import DatasetVersion
from service.db.states import DatasetState
from service.db.types import new_id
from service.settings import Settings

LEASE_SECONDS = 60.0
RENEW_SECONDS = 15.0
_log = structlog.get_logger(__name__)


def check_next(factory: sessionmaker[Session], store: ArtifactStore, settings: Settings) -> bool:
    """Check the oldest version that waits; gives whether there was one. Raises OSError without the store."""
    checker = new_id()
    with factory.begin() as session:
        row = claim_check(session, checker, lease_seconds=LEASE_SECONDS)
    if row is None:
        return False
    _log.info("dataset.checking", version=row.id, dataset=row.dataset.name, attempt=row.num_checks)
    with _renewing(factory, row.id, checker):
        outcome = _look(row, store, settings)
    with factory.begin() as session:
        settled = finish_check(session, row.id, checker, outcome)
    if settled is None:
        _log.warning("dataset.check_lost", version=row.id)
        return True
    if settled.state is DatasetState.FAILED or settled.same_as_id is not None:
        forget(settled, store, settings)
    _log.info("dataset.checked", version=row.id, state=settled.state.value, number=settled.number)
    return True


def refusal_of_root(root: str, settings: Settings) -> str | None:
    """Why data of this folder are not looked at; None where they may be."""
    if outside(root, settings.dataset_roots):
        allowed = ", ".join(map(str, settings.dataset_roots))
        return f"lies outside the folders for data sets (FRS_DATASET_ROOTS: {allowed}); move it there"
    if Path(root).is_dir() and (links := escaping_links(root, settings.dataset_roots)):
        return f"holds links that lead out of FRS_DATASET_ROOTS, such as {links[0]}; put the files themselves"
    return None


def _look(row: DatasetVersion, store: ArtifactStore, settings: Settings) -> Outcome:
    try:
        dataset = located(row, store, settings)
    except ArchiveError as error:
        return Outcome(reason=f"the archive is refused: {error}")
    except (ArtifactMissingError, HashMismatchError) as error:
        return Outcome(reason=f"the archive is gone or changed in the store ({error}); send it again")
    if dataset.root and dataset.uploaded_id is None and row.archive_uri is None:
        refusal = refusal_of_root(dataset.root, settings)
        if refusal is not None:
            return Outcome(reason=f"{dataset.root} {refusal}")
    found = examine(dataset)
    return Outcome(report=found.report, statistics=found.statistics)


@contextmanager
def _renewing(factory: sessionmaker[Session], version_id: str, checker: str) -> Iterator[None]:
    """Say every while that the check goes on, from a thread of its own."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                with factory.begin() as session:
                    renew_check(session, version_id, checker, lease_seconds=LEASE_SECONDS)
            except DBAPIError as error:
                _log.warning("dataset.renewal_failed", version=version_id, error=str(error))

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
