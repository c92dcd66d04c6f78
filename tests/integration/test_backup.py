"""Backups of a system at work, and what is made of them."""

import sqlite3
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind, MetricEvent, ProgressEvent
from service.artifacts import open_store
from service.db import ledger
from service.db.engine import check_schema, create_engine
from service.db.models import Attempt, Event, Experiment, Job, MetricPoint, MetricSeries
from service.db.states import AttemptState, JobState
from service.jobs.ownership import owns
from service.operate.archive import BackupError
from service.operate.backup import back_up, verify
from service.operate.restore import NotEmptyError, restore
from service.settings import Settings
from tests.fixtures.ledgers import Hand
from tests.fixtures.restores import quiet
from tests.fixtures.submissions import Submit
from tests.fixtures.workplaces import ClaimNext, SubmitMiniature
from tests.waiting import wait_until
from workers.supervisor import supervise
from workers.workplace import Workplace

KEPT = Path(__file__).parent.parent / "data" / "databases"


@pytest.fixture
def quick_settings(quick_settings: Settings) -> Settings:
    """With a lease that outlasts what is written beside it, however busy the machine."""
    return quick_settings.model_copy(update={"lease_seconds": 60.0})


@pytest.fixture
def settings(quick_settings: Settings, database_url: str) -> Settings:
    """Of the system that is backed up."""
    return quick_settings.model_copy(update={"database_url": database_url})


def test_a_system_at_work_is_restored_and_its_jobs_end_as_they_would_have(
    settings: Settings,
    other: Settings,
    sessions: sessionmaker[Session],
    restored: sessionmaker[Session],
    workplace: Workplace,
    submit_miniature: SubmitMiniature,
    claim_next: ClaimNext,
    submit: Submit,
    hand: Hand,
    tmp_path: Path,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    claim = claim_next()
    worker = threading.Thread(target=supervise, args=(workplace, claim))
    worker.start()
    submit()
    with _writing(hand) as busy_id:
        wait_until(lambda: len(_steps(sessions, job_id)) == 12)
        path, manifest = back_up(settings, tmp_path, with_contents=True, say=quiet)
    (workplace.settings.work_dir / f"{job_id}-1" / "go").touch()
    worker.join(60)
    assert path.stat().st_mode & 0o077 == 0
    assert manifest.missing == ()

    done = restore(other, path, quick=False, say=quiet)
    assert (set(done.requeued), done.missing) == ({job_id, busy_id}, ())
    assert done.num_copied == done.num_files == len(list((tmp_path / "other").rglob("jobs/*/*/*")))
    last = max(_steps(restored, busy_id))
    with restored() as session:
        assert session.get_one(Job, busy_id).step == last > 0  # both are written in one transaction
        assert session.scalars(select(Attempt.state)).all() == [AttemptState.RELEASED] * 2
    with restored.begin() as session, pytest.raises(ledger.StaleLeaseError):
        ledger.heartbeat(session, claim.lease, lease_seconds=60)
    again = _claim(restored, job_id)
    assert again.lease.token > 1000  # no worker of the original will ever get so far
    assert again.resume_from is not None
    place = replace(
        workplace, settings=other, sessions=restored, store=open_store(other.resolved_artifacts_url)
    )
    assert supervise(place, again) is JobState.SUCCEEDED
    assert _steps(restored, job_id) == list(range(1, 24))
    assert _losses(restored, job_id) == _losses(sessions, job_id)

    assert owns(sessions, place.store)  # as if both used it, and the original had come first
    assert restore(other, path, quick=False, say=quiet).was_there
    assert not owns(restored, place.store)
    assert restore(other, path, quick=False, say=quiet, take_store=True).was_there
    assert owns(restored, place.store)
    with pytest.raises(NotEmptyError, match="is not empty"):
        restore(settings, path, quick=False, say=quiet)


def test_a_job_whose_newest_state_is_gone_goes_on_from_the_one_before_and_the_rest_is_named(
    settings: Settings,
    other: Settings,
    restored: sessionmaker[Session],
    sessions: sessionmaker[Session],
    submit: Submit,
    hand: Hand,
    tmp_path: Path,
) -> None:
    submit()
    lease = hand.take()
    store = open_store(settings.resolved_artifacts_url)
    for kind, step in (("state", 10), ("state", 20), ("best", 20)):
        _store(hand, store, lease, CheckpointKind(kind), step, tmp_path)
    path, manifest = back_up(settings, tmp_path / "made.backup", with_contents=False, say=quiet)
    assert (manifest.files.num_lines, manifest.missing) == (3, ())
    other = other.model_copy(update={"artifacts_url": settings.resolved_artifacts_url})
    store.delete("file:jobs/state-20")
    (tmp_path / "data" / "artifacts" / "jobs" / "best-20").write_bytes(b"another 20 bytes")
    done = restore(other, path, quick=False, say=quiet)
    assert (done.dropped, done.missing) == (("file:jobs/state-20",), ("file:jobs/best-20",))
    claim = _claim(restored, lease.job_id)
    assert claim.resume_from is not None
    assert claim.resume_from.step == 10


def test_a_backup_names_what_the_store_lacks_though_a_row_names_it(
    settings: Settings, submit: Submit, hand: Hand, tmp_path: Path
) -> None:
    submit()
    hand.save(hand.take(), CheckpointKind.BEST, 5, uri="file:jobs/never")
    _, manifest = back_up(settings, tmp_path / "made.backup", with_contents=False, say=quiet)
    assert manifest.missing == ("file:jobs/never",)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("revision", ["0001", "0010"])
def test_an_old_backup_is_restored_to_this_schema_whatever_database_it_was_of(
    kind: str,
    revision: str,
    other: Settings,
    restored: sessionmaker[Session],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    script = (KEPT / f"{revision}.{kind}.sql").read_text()
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
        with sqlite3.connect(tmp_path / "old.db") as connection:
            connection.executescript(script)
        connection.close()
    else:
        url = request.getfixturevalue("empty_postgresql_url")
        with psycopg.connect(url) as opened:
            opened.execute(script)
    old = Settings(data_dir=tmp_path / "old", database_url=url)
    path, manifest = back_up(old, tmp_path / "old.backup", with_contents=False, say=quiet)
    assert manifest.schema_revision == revision
    done = restore(other, path, quick=True, say=quiet)
    assert {"file:///artifacts/weights", "file:///artifacts/export"} < set(done.missing)
    assert done.dropped == ("file:///artifacts/state",)
    engine = create_engine(other.database_url)
    check_schema(engine)
    engine.dispose()
    with restored.begin() as session:
        assert session.scalars(select(Experiment.name)).all() == ["blood-cells"]
        assert session.scalars(select(MetricPoint.value).where(MetricPoint.step == 10)).all() == [1.25, 0.001]
        last = session.scalar(select(func.max(Event.id)))
        session.add(Event(kind="new", message="numbered behind all that was seen"))
        session.flush()
        assert session.scalar(select(func.max(Event.id))) == last + 1
        assert last > 1_000_000


def test_a_damaged_or_cut_backup_is_refused(
    settings: Settings, other: Settings, submit: Submit, tmp_path: Path
) -> None:
    submit()
    path, _ = back_up(settings, tmp_path / "made.backup", with_contents=False, say=quiet)
    damaged, cut = tmp_path / "damaged", tmp_path / "cut"
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(damaged, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content.replace(b"frs", b"pkd") if name.endswith("jobs.jsonl") else content)
    cut.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BackupError, match=r"tables/jobs\.jsonl is damaged"):
        verify(damaged)
    for wrong, why in ((damaged, "damaged"), (cut, "not a backup"), (tmp_path / "none", "not a backup")):
        with pytest.raises(BackupError, match=why):
            restore(other, wrong, quick=False, say=quiet)
    assert not (tmp_path / "other" / "frs.db").exists()


def _claim(sessions: sessionmaker[Session], job_id: str) -> ledger.Claim:
    """As a new worker's, whose next job it is."""
    with sessions.begin() as session:
        worker = ledger.register_worker(session, host="new", pid=1, version="0", devices={})
        while (claim := ledger.claim(session, worker, gpus=0, lease_seconds=60)) is not None:
            if claim.lease.job_id == job_id:
                return claim
    raise AssertionError("it cannot be claimed")


class _writing:
    """Reports one step after the other of a job, in a thread, while the block runs; gives the job's id."""

    def __init__(self, hand: Hand) -> None:
        self._hand, self._stop = hand, threading.Event()
        self._lease = hand.take()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> str:
        self._thread.start()
        return self._lease.job_id

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        step = 0
        while not self._stop.wait(0.005):
            step += 1
            point = MetricEvent(time=1.0, step=step, values={"train/loss": 1.0})
            progress = ProgressEvent(
                time=1.0, phase="training", step=step, total_steps=10**6, epoch=1, total_epochs=2
            )
            with self._hand.sessions.begin() as session:
                ledger.record(session, self._lease, [point, progress])


def _store(
    hand: Hand, store: object, lease: ledger.Lease, kind: CheckpointKind, step: int, folder: Path
) -> None:
    from frs_core.events import CheckpointEvent
    from frs_core.files import file_sha256

    source = folder / "source"
    source.write_bytes(f"{kind} at {step}".encode().ljust(16))
    sha256 = file_sha256(source)
    uri = store.put(source, f"jobs/{kind}-{step}", sha256)
    event = CheckpointEvent(
        time=0.0, kind=kind, path="x", step=step, epoch=1, sha256=sha256, size_bytes=source.stat().st_size
    )
    with hand.sessions.begin() as session:
        ledger.record_checkpoint(session, lease, event, uri=uri)


def _points(column: object, job_id: str) -> object:
    joined = select(column).join(MetricSeries, MetricSeries.id == MetricPoint.series_id)
    return joined.where(MetricSeries.job_id == job_id).order_by(MetricSeries.name, MetricPoint.step)


def _steps(sessions: sessionmaker[Session], job_id: str) -> list[int]:
    with sessions() as session:
        return list(session.scalars(_points(MetricPoint.step, job_id)))


def _losses(sessions: sessionmaker[Session], job_id: str) -> list[float | None]:
    with sessions() as session:
        return list(session.scalars(_points(MetricPoint.value, job_id)))
