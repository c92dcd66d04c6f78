"""What delivery does with files; the rest of it is seen at work by the supervisors' tests."""

from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.context import LocalContext
from frs_core.events import CheckpointKind
from frs_core.files import save_bytes
from service.artifacts import ArtifactStore
from service.db import ledger
from service.db.models import Artifact, Attempt, Checkpoint
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from workers.delivery import Delivery, StorageError
from workers.workdir import WorkFolder

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: what is stored where does not depend on the database."""
    return sqlite_url


@pytest.fixture
def context(tmp_path: Path) -> LocalContext:
    """A run in a folder of its own."""
    (tmp_path / "run").mkdir()
    return LocalContext(tmp_path / "run")


@pytest.fixture
def delivery(
    context: LocalContext,
    sessions: Sessions,
    store: ArtifactStore,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
) -> Delivery:
    """The delivery of that run, for a job that is claimed."""
    submit_miniature()
    folder = WorkFolder(path=context.workdir, resume_from=None)
    return Delivery(sessions, store, claim_next().lease, folder, keep_states=1)


def save(context: LocalContext, step: int, content: str) -> Path:
    path = context.workdir / f"state_{step}.pth"
    path.write_text(content)
    context.checkpoint(CheckpointKind.STATE, path, step=step, epoch=0)
    return path


def stored_uris(sessions: Sessions) -> set[str]:
    with sessions() as session:
        return set(session.scalars(select(Checkpoint.uri)))


def recorded(sessions: Sessions, store: ArtifactStore) -> dict[int, bytes]:
    with sessions() as session:
        rows = session.scalars(select(Checkpoint)).all()
    contents = {}
    for row in rows:
        with store.open(row.uri) as file:
            contents[row.step] = file.read()
    return contents


def test_the_newest_state_stays_on_the_disk_and_older_ones_go(
    context: LocalContext, delivery: Delivery, sessions: Sessions, store: ArtifactStore
) -> None:
    first, second = save(context, 1, "one"), save(context, 2, "two")
    assert delivery.deliver()
    assert not first.exists()
    assert second.exists()
    assert recorded(sessions, store) == {2: b"two"}


@pytest.mark.parametrize("between", [True, False])
def test_a_file_announced_twice_is_kept_as_it_was_last(
    context: LocalContext, delivery: Delivery, sessions: Sessions, store: ArtifactStore, between: bool
) -> None:
    save(context, 1, "one")
    if between:
        assert delivery.deliver()
    save(context, 1, "one again")
    assert delivery.deliver()
    assert recorded(sessions, store) == {1: b"one again"}


def test_superseded_files_leave_the_store(context: LocalContext, delivery: Delivery, tmp_path: Path) -> None:
    for step in range(3):
        save(context, step, f"content {step}")
        delivery.deliver()
    stored = [path.read_text() for path in (tmp_path / "data" / "artifacts").rglob("*.pth")]
    assert stored == ["content 2"]


def test_two_attempts_share_no_file_even_of_the_same_content(
    context: LocalContext,
    delivery: Delivery,
    sessions: Sessions,
    store: ArtifactStore,
    claim_next: ClaimNext,
    tmp_path: Path,
) -> None:
    save(context, 1, "one")
    assert delivery.deliver()
    first = stored_uris(sessions)
    with sessions.begin() as session:
        session.execute(update(Attempt).values(lease_expires_at=Attempt.started_at))
        ledger.expire_leases(session, backoff_seconds=0)
    (tmp_path / "again").mkdir()
    again = LocalContext(tmp_path / "again")
    folder = WorkFolder(path=again.workdir, resume_from=None)
    save(again, 1, "one")
    assert Delivery(sessions, store, claim_next().lease, folder, keep_states=1).deliver()
    assert not first & stored_uris(sessions)
    assert recorded(sessions, store) == {1: b"one"}


@pytest.mark.parametrize("fault", ["gone", "changed"])
def test_a_file_that_is_not_as_announced_is_an_error(
    context: LocalContext, delivery: Delivery, sessions: Sessions, store: ArtifactStore, fault: str
) -> None:
    path = save(context, 1, "one")
    if fault == "gone":
        path.unlink()
    else:
        path.write_text("two")
    with pytest.raises(StorageError, match=r"state_1\.pth could not be stored"):
        delivery.deliver()
    assert recorded(sessions, store) == {}


def test_files_of_one_name_in_several_folders_are_kept_apart(
    context: LocalContext, delivery: Delivery, sessions: Sessions, store: ArtifactStore
) -> None:
    pictures = {f"pictures/{image}/gt.jpg": f"picture {image}".encode() for image in (1, 2)}
    for name, content in pictures.items():
        save_bytes(context, name, content, "image/jpeg")
    assert delivery.deliver()
    with sessions() as session:
        uris = {row.name: row.uri for row in session.scalars(select(Artifact))}
    for name, content in pictures.items():
        with store.open(uris.pop(name)) as file:
            assert file.read() == content
    assert not uris
