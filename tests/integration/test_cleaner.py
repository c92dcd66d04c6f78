"""Files that no row names are removed, and nothing else."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointEvent, CheckpointKind
from service.artifacts import ArtifactStore, open_store
from service.db.engine import create_engine, session_factory
from service.db.ledger import record_checkpoint
from service.db.types import new_id
from service.jobs.cleaner import clean, remove_orphans
from service.jobs.ownership import owns, take
from service.settings import Settings
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
Put = Callable[..., str]
CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
def others(sqlite_template: Path, tmp_path: Path) -> Iterator[Sessions]:
    """Sessions on another database, without a row."""
    engine = create_engine(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'others.db')}")
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def put(store: ArtifactStore, tmp_path: Path) -> Put:
    def put(key: str, *, hours_ago: float = 48) -> str:
        source = tmp_path / "source"
        source.write_bytes(CONTENT)
        uri = store.put(source, key, SHA256)
        path = tmp_path / "store" / key
        moment = path.stat().st_mtime - 3600 * hours_ago
        os.utime(path, (moment, moment))
        return uri

    return put


def _record(sessions: Sessions, hand: Hand, uri: str) -> None:
    event = CheckpointEvent(
        time=0.0,
        kind=CheckpointKind.WEIGHTS,
        path="w",
        step=1,
        epoch=1,
        sha256=SHA256,
        size_bytes=len(CONTENT),
    )
    lease = hand.take()
    with sessions.begin() as session:
        record_checkpoint(session, lease, event, uri=uri)
    hand.finish(lease)


def test_only_an_old_file_of_a_job_that_no_row_names_is_removed(
    sessions: Sessions, store: ArtifactStore, put: Put, submit: Submit, hand: Hand
) -> None:
    submit()
    named = put(f"jobs/{new_id()}/1/abc/weights")
    _record(sessions, hand, named)
    orphan = put(f"jobs/{new_id()}/1/abc/state_5.pth")
    young = put(f"jobs/{new_id()}/1/abc/state_5.pth", hours_ago=1)
    foreign = [put("holiday.jpg"), put("jobs/mine/letter.txt"), put("photos/jobs.txt")]
    assert remove_orphans(sessions, store) == [orphan]
    assert [store.size(uri) for uri in (named, young, *foreign)] == [len(CONTENT)] * 5
    assert remove_orphans(sessions, store, older_than=timedelta()) == [young]


def test_what_a_running_attempt_has_stored_stays(
    sessions: Sessions, store: ArtifactStore, put: Put, submit: Submit, hand: Hand
) -> None:
    submit()
    lease = hand.take()
    uri = put(f"jobs/{lease.job_id}/1/abc/state_5.pth")
    assert remove_orphans(sessions, store) == []
    hand.finish(lease)
    assert remove_orphans(sessions, store) == [uri]


def test_pieces_of_puts_that_were_cut_short_are_removed(
    sessions: Sessions, store: ArtifactStore, put: Put, tmp_path: Path
) -> None:
    put(f"jobs/{new_id()}/1/abc/weights", hours_ago=0)
    piece = next((tmp_path / "store").rglob("weights")).with_name(".incoming-abc")
    piece.write_bytes(b"weig")
    assert remove_orphans(sessions, store) == []
    assert piece.exists()
    os.utime(piece, (0, 0))
    remove_orphans(sessions, store)
    assert not piece.exists()


def test_the_first_database_owns_a_store_until_another_takes_it(
    sessions: Sessions, others: Sessions, store: ArtifactStore
) -> None:
    assert owns(sessions, store)
    assert not owns(others, store)
    assert owns(sessions, store)
    take(others, store)
    assert (owns(others, store), owns(sessions, store)) == (True, False)


def test_a_database_that_knows_nothing_removes_nothing_of_another_ones(
    sessions: Sessions, others: Sessions, store: ArtifactStore, put: Put, settings: Settings, tmp_path: Path
) -> None:
    clean(sessions, store, settings)
    uris = [put(f"jobs/{new_id()}/1/weights"), put(f"datasets/{new_id()}/archive")]
    clean(others, store, settings)
    assert [store.size(uri) for uri in uris] == [len(CONTENT)] * 2
    clean(sessions, store, settings)
    assert not list((tmp_path / "store").rglob("weights"))
