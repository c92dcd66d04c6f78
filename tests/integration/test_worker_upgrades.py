"""A worker whose database is of another version, or is upgraded while it runs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from service.broker import QUEUE, make_celery, send_wakeup
from service.db.states import JobState
from service.settings import Settings
from tests.fixtures.witnesses import Witness
from tests.fixtures.worker_processes import NEVER, StartWorker
from tests.fixtures.workplaces import SubmitMiniature
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """PostgreSQL, as several workers have it."""
    return postgresql_url


@contextmanager
def stamped(sessions: Sessions, revision: str) -> Iterator[None]:
    """The database of another version, for a while."""
    with sessions.begin() as session:
        before = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": revision})
    try:
        yield
    finally:
        with sessions.begin() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :old"), {"old": before})


def test_a_worker_refuses_a_database_of_another_version(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = start_worker(database_url=f"sqlite:///{tmp_path / 'empty.db'}")
    assert worker.wait(20) == 78
    assert "python -m migrations" in (tmp_path / "worker0.log").read_text()


def test_a_worker_whose_database_is_upgraded_finishes_what_runs_takes_no_more_and_ends(
    start_worker: StartWorker,
    quick_settings: Settings,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    tmp_path: Path,
) -> None:
    running = submit_miniature(steps=23, hold_at=12)
    worker = start_worker()
    witness.wait_for_held_child(running)
    waiting = submit_miniature()
    with stamped(sessions, "zzzz"):
        wait_until(lambda: b"schema_mismatch" in (tmp_path / "worker0.log").read_bytes())
        (quick_settings.work_dir / f"{running}-1" / "go").touch()
        assert worker.wait(30) == 78
    assert witness.state(running) is JobState.SUCCEEDED
    assert witness.state(waiting) is JobState.QUEUED
    said = (tmp_path / "worker0.log").read_text()
    assert re.search(
        r"the database is at schema zzzz, this version needs \d+: a newer version upgraded it", said
    )


def test_a_worker_that_has_not_yet_heard_of_an_upgrade_claims_nothing(
    start_worker: StartWorker,
    quick_settings: Settings,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    redis_url: str,
) -> None:
    worker = start_worker(
        broker_url=redis_url, heartbeat_seconds="900", lease_seconds=NEVER, poll_seconds=NEVER
    )
    witness.wait_for_worker()
    job_id = submit_miniature(steps=3)
    with stamped(sessions, "zzzz"):
        send_wakeup(make_celery(Settings(broker_url=redis_url)), job_id)
        with redis.Redis.from_url(redis_url) as client:
            wait_until(lambda: client.llen(QUEUE) == 0 and client.hlen("unacked") == 0)
        worker.terminate()
        assert worker.wait(30) == 0
    assert witness.state(job_id) is JobState.QUEUED
    assert witness.attempts(job_id) == []
