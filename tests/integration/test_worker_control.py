"""What users and hosts ask of a real Celery worker process: cancel, pause, drain, end."""

import os
import signal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.models import Job, Worker
from service.db.states import AttemptState, JobState
from service.settings import Settings
from tests.fixtures.witnesses import Witness
from tests.fixtures.worker_processes import StartWorker
from tests.fixtures.workplaces import SubmitMiniature
from tests.processes import children_of, is_running
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """PostgreSQL, as several workers have it."""
    return postgresql_url


def test_cancel_ends_a_running_job_and_its_process(
    start_worker: StartWorker, witness: Witness, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    pid = witness.wait_for_held_child(job_id)
    with sessions.begin() as session:
        ledger.request_cancel(session, job_id)
    witness.wait_for(job_id, JobState.CANCELLED)
    assert not is_running(pid)


def test_a_paused_job_goes_on_where_it_stopped_when_it_is_resumed(
    start_worker: StartWorker, witness: Witness, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    child = witness.wait_for_held_child(job_id)
    with sessions.begin() as session:
        ledger.request_pause(session, job_id)
    witness.wait_for(job_id, JobState.PAUSED)
    assert not is_running(child)
    with sessions.begin() as session:
        ledger.request_resume(session, job_id)
    witness.wait_for(job_id, JobState.SUCCEEDED)
    assert [attempt.resumed_from_step for attempt in witness.attempts(job_id)] == [None, 12]
    assert witness.steps() == list(range(1, 24))


def test_a_draining_worker_finishes_what_runs_and_takes_no_more_until_it_may(
    start_worker: StartWorker,
    quick_settings: Settings,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
) -> None:
    running = submit_miniature(steps=23, hold_at=12)
    worker = start_worker()
    witness.wait_for_held_child(running)
    with sessions.begin() as session:
        worker_id = session.scalars(select(Worker.id)).one()
        ledger.drain_worker(session, worker_id, drain=True)
        beaten_at = session.scalars(select(Worker.heartbeat_at)).one()
    waiting = submit_miniature()

    def has_heard() -> bool:
        with sessions() as session:
            return session.scalars(select(Worker.heartbeat_at)).one() > beaten_at

    wait_until(has_heard)
    (quick_settings.work_dir / f"{running}-1" / "go").touch()
    witness.wait_for(running, JobState.SUCCEEDED)
    assert witness.state(waiting) is JobState.QUEUED
    with sessions.begin() as session:
        found = session.scalars(select(Worker)).one()
        assert found.usage is not None
        assert 0 < found.usage["memory"] < 1
        ledger.drain_worker(session, worker_id, drain=False)
    witness.wait_for(waiting, JobState.SUCCEEDED)
    assert worker.poll() is None


@pytest.mark.parametrize("whom", ["the main process", "the whole group"])
def test_term_hands_the_job_back_and_leaves_no_process(
    start_worker: StartWorker,
    witness: Witness,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    redis_url: str,
    whom: str,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(broker_url=redis_url)
    child = witness.wait_for_held_child(job_id)
    pool = children_of(worker.pid)
    if whom == "the main process":
        worker.terminate()
    else:
        os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(20) == 0
    assert not any(is_running(pid) for pid in (child, *pool))
    assert witness.state(job_id) is JobState.QUEUED
    attempt = witness.attempts(job_id)[0]
    assert (attempt.state, attempt.exit_code) == (AttemptState.RELEASED, 75)
    with sessions() as session:
        assert session.get_one(Job, job_id).num_attempts == 0
        assert session.scalars(select(Worker.state)).one() == "offline"
