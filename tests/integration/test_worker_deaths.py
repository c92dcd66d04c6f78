"""A child, a pool process or a whole worker is killed: the job goes on from its last state."""

import os
import signal

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db.states import AttemptState, JobState
from tests.fixtures.witnesses import Witness
from tests.fixtures.worker_processes import NEVER, StartWorker
from tests.fixtures.workplaces import SubmitMiniature
from tests.processes import children_of, is_running
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """PostgreSQL, as several workers have it."""
    return postgresql_url


def test_a_killed_child_is_retried_from_its_last_state(
    start_worker: StartWorker, witness: Witness, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    os.kill(witness.wait_for_held_child(job_id), signal.SIGKILL)
    witness.wait_for(job_id, JobState.SUCCEEDED)
    first, second = witness.attempts(job_id)
    assert (first.state, first.signal) == (AttemptState.FAILED, signal.SIGKILL)
    assert second.resumed_from_step == 10
    assert witness.steps() == list(range(1, 24))


@pytest.mark.parametrize("victim", ["pool process", "whole worker"])
def test_a_killed_supervisor_is_known_to_be_dead_long_before_its_lease_runs_out(
    start_worker: StartWorker, witness: Witness, submit_miniature: SubmitMiniature, victim: str
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(lease_seconds=NEVER)
    child = witness.wait_for_held_child(job_id)
    if victim == "pool process":
        os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    else:
        os.killpg(worker.pid, signal.SIGKILL)
        start_worker(lease_seconds=NEVER)
    witness.wait_for(job_id, JobState.SUCCEEDED)
    assert not is_running(child)
    first, second = witness.attempts(job_id)
    assert (first.state, first.reason_code) == (AttemptState.LOST, "worker_died")
    assert second.resumed_from_step == 10
    assert witness.steps() == list(range(1, 24))


def test_a_pool_process_whose_worker_is_killed_hands_its_job_back(
    start_worker: StartWorker, witness: Witness, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(lease_seconds=NEVER)
    child = witness.wait_for_held_child(job_id)
    pool = children_of(worker.pid)
    worker.kill()
    witness.wait_for(job_id, JobState.QUEUED)
    wait_until(lambda: not any(is_running(pid) for pid in (child, *pool)))
    assert [attempt.state for attempt in witness.attempts(job_id)] == [AttemptState.RELEASED]
    start_worker()
    witness.wait_for(job_id, JobState.SUCCEEDED)
    assert witness.attempts(job_id)[1].resumed_from_step == 12
