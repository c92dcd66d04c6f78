"""A real Celery worker process, on real Redis, with real child processes."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import JobSpec, ResourcesSpec
from service.broker import QUEUE, make_celery, send_wakeup
from service.db import ledger
from service.db.models import Attempt, Job, LogChunk, MetricPoint, Worker
from service.db.states import AttemptState, JobState
from service.jobs.submit import submit_job
from service.settings import Settings
from tests.fixtures.brokers import RedisProcess
from tests.fixtures.workplaces import SubmitMiniature
from tests.waiting import wait_until

Sessions = sessionmaker[Session]
StartWorker = Callable[..., "subprocess.Popen[bytes]"]

NO_BROKER = "redis://127.0.0.1:1/0"
NEVER = "3600"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """PostgreSQL, as several workers have it, unless a test says otherwise."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'postgresql')}_url")
    return url


@pytest.fixture
def start_worker(
    repo_root: Path, database_url: str, quick_settings: Settings, tmp_path: Path
) -> Iterator[StartWorker]:
    """Starts `python -m workers` with the miniature child; what is left of it is killed at the end."""
    started: list[subprocess.Popen[bytes]] = []
    quick = {name: str(value) for name, value in quick_settings.model_dump(exclude_unset=True).items()}

    def start(**settings: str) -> "subprocess.Popen[bytes]":
        chosen = {**quick, "database_url": database_url, **settings}
        environment = {**os.environ, **{f"FRS_{name.upper()}": value for name, value in chosen.items()}}
        environment["PYTHONPATH"] = str(repo_root)
        with (tmp_path / f"worker{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(repo_root / "tests" / "miniature" / "worker.py")],
                env=environment,
                cwd=repo_root,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def state_of(sessions: Sessions, job_id: str) -> JobState:
    with sessions() as session:
        return session.get_one(Job, job_id).state


def wait_for(sessions: Sessions, job_id: str, state: JobState) -> None:
    wait_until(lambda: state_of(sessions, job_id) is state)


def attempts(sessions: Sessions, job_id: str) -> list[Attempt]:
    with sessions() as session:
        return list(session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.token)))


def steps(sessions: Sessions) -> list[int]:
    with sessions() as session:
        return list(session.scalars(select(MetricPoint.step).order_by(MetricPoint.step)))


def wait_for_child(sessions: Sessions, job_id: str) -> int:
    """The pid of the job's child, once it has reported 12 steps, saved a state at the tenth, and waits."""
    wait_until(lambda: len(steps(sessions)) == 12)
    pid = wait_until(lambda: attempts(sessions, job_id)[-1].pid)
    assert is_running(pid)
    return pid


def wait_for_worker(sessions: Sessions) -> None:
    def is_online() -> bool:
        with sessions() as session:
            return "online" in session.scalars(select(Worker.state)).all()

    wait_until(is_online)


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_wake_up_delivered_three_times_trains_once_and_loads_no_torch(
    start_worker: StartWorker,
    quick_settings: Settings,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    redis_url: str,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(broker_url=redis_url, poll_seconds=NEVER)
    wait_for_worker(sessions)
    app = make_celery(Settings(broker_url=redis_url))
    for _ in range(3):
        send_wakeup(app, job_id)
    wait_for_child(sessions, job_id)
    for pid in (worker.pid, *children_of(worker.pid)):
        assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()
    (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    with redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: client.llen(QUEUE) == 0 and client.hlen("unacked") == 0)
    assert [attempt.state for attempt in attempts(sessions, job_id)] == [AttemptState.SUCCEEDED]
    assert steps(sessions) == list(range(1, 24))


def test_jobs_for_two_gpus_each_get_two_of_a_workers_four(
    start_worker: StartWorker,
    quick_settings: Settings,
    sessions: Sessions,
    miniature_job: Callable[..., JobSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nfor i in 0 1 2 3; do echo GPU-$i, fast, 1024; done\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    job = miniature_job(steps=20, hold_at=12)
    job = job.model_copy(update={"resources": ResourcesSpec(gpus=2)})
    with sessions.begin() as session:
        ids = [submit_job(session, job, max_attempts=1).id for _ in range(2)]
    start_worker()
    for job_id in ids:
        wait_for(sessions, job_id, JobState.RUNNING)
    for job_id in ids:
        wait_until(lambda job_id=job_id: (quick_settings.work_dir / f"{job_id}-1").is_dir())
        (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
    for job_id in ids:
        wait_for(sessions, job_id, JobState.SUCCEEDED)
    with sessions() as session:
        printed = [
            "".join(session.scalars(select(LogChunk.text).where(LogChunk.job_id == job_id))) for job_id in ids
        ]
    devices = [re.findall(r'"CUDA_VISIBLE_DEVICES": "([^"]*)"', text)[0].split(",") for text in printed]
    assert sorted(map(len, devices)) == [2, 2]
    assert {gpu for pair in devices for gpu in pair} == {f"GPU-{i}" for i in range(4)}


@pytest.mark.parametrize("broker_url", ["", NO_BROKER])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_broker_jobs_are_found_by_polling(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature, broker_url: str
) -> None:
    first, second = submit_miniature(steps=3), submit_miniature(steps=3)
    worker = start_worker(broker_url=broker_url)
    wait_for(sessions, first, JobState.SUCCEEDED)
    wait_for(sessions, second, JobState.SUCCEEDED)
    worker.terminate()
    assert worker.wait(20) == 0


def test_a_broker_may_go_away_and_come_back(
    start_worker: StartWorker,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    redis_process: RedisProcess,
) -> None:
    redis_process.start()
    start_worker(broker_url=redis_process.url)
    wait_for_worker(sessions)
    wait_until(lambda: redis_process.client.client_list(_type="normal"))
    redis_process.stop()
    job_id = submit_miniature(steps=3)
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    redis_process.start()
    send_wakeup(make_celery(Settings(broker_url=redis_process.url)), "any")
    wait_until(lambda: redis_process.client.llen(QUEUE) == 0 and not redis_process.client.hlen("unacked"))


def test_cancel_ends_a_running_job_and_its_process(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    pid = wait_for_child(sessions, job_id)
    with sessions.begin() as session:
        ledger.request_cancel(session, job_id)
    wait_for(sessions, job_id, JobState.CANCELLED)
    assert not is_running(pid)


def test_a_killed_child_is_retried_from_its_last_state(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    os.kill(wait_for_child(sessions, job_id), signal.SIGKILL)
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    first, second = attempts(sessions, job_id)
    assert (first.state, first.signal) == (AttemptState.FAILED, signal.SIGKILL)
    assert second.resumed_from_step == 10
    assert steps(sessions) == list(range(1, 24))


@pytest.mark.parametrize("victim", ["pool process", "whole worker"])
def test_a_killed_supervisor_is_known_to_be_dead_long_before_its_lease_runs_out(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature, victim: str
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(lease_seconds=NEVER)
    child = wait_for_child(sessions, job_id)
    if victim == "pool process":
        os.kill(children_of(worker.pid)[0], signal.SIGKILL)
    else:
        os.killpg(worker.pid, signal.SIGKILL)
        start_worker(lease_seconds=NEVER)
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    assert not is_running(child)
    first, second = attempts(sessions, job_id)
    assert (first.state, first.reason_code) == (AttemptState.LOST, "worker_died")
    assert second.resumed_from_step == 10
    assert steps(sessions) == list(range(1, 24))


def test_a_pool_process_whose_worker_is_killed_hands_its_job_back(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(lease_seconds=NEVER)
    child = wait_for_child(sessions, job_id)
    pool = children_of(worker.pid)
    worker.kill()
    wait_for(sessions, job_id, JobState.QUEUED)
    wait_until(lambda: not any(is_running(pid) for pid in (child, *pool)))
    assert [attempt.state for attempt in attempts(sessions, job_id)] == [AttemptState.RELEASED]
    start_worker()
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    assert attempts(sessions, job_id)[1].resumed_from_step == 12


def test_a_paused_job_goes_on_where_it_stopped_when_it_is_resumed(
    start_worker: StartWorker, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    start_worker()
    child = wait_for_child(sessions, job_id)
    with sessions.begin() as session:
        ledger.request_pause(session, job_id)
    wait_for(sessions, job_id, JobState.PAUSED)
    assert not is_running(child)
    with sessions.begin() as session:
        ledger.request_resume(session, job_id)
    wait_for(sessions, job_id, JobState.SUCCEEDED)
    assert [attempt.resumed_from_step for attempt in attempts(sessions, job_id)] == [None, 12]
    assert steps(sessions) == list(range(1, 24))


def test_a_draining_worker_finishes_what_runs_and_takes_no_more_until_it_may(
    start_worker: StartWorker, quick_settings: Settings, sessions: Sessions, submit_miniature: SubmitMiniature
) -> None:
    running = submit_miniature(steps=23, hold_at=12)
    worker = start_worker()
    wait_for_child(sessions, running)
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
    wait_for(sessions, running, JobState.SUCCEEDED)
    assert state_of(sessions, waiting) is JobState.QUEUED
    with sessions.begin() as session:
        found = session.scalars(select(Worker)).one()
        assert found.usage is not None
        assert 0 < found.usage["memory"] < 1
        ledger.drain_worker(session, worker_id, drain=False)
    wait_for(sessions, waiting, JobState.SUCCEEDED)
    assert worker.poll() is None


@pytest.mark.parametrize("whom", ["the main process", "the whole group"])
def test_term_hands_the_job_back_and_leaves_no_process(
    start_worker: StartWorker,
    sessions: Sessions,
    submit_miniature: SubmitMiniature,
    redis_url: str,
    whom: str,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(broker_url=redis_url)
    child = wait_for_child(sessions, job_id)
    pool = children_of(worker.pid)
    if whom == "the main process":
        worker.terminate()
    else:
        os.killpg(worker.pid, signal.SIGTERM)
    assert worker.wait(20) == 0
    assert not any(is_running(pid) for pid in (child, *pool))
    assert state_of(sessions, job_id) is JobState.QUEUED
    attempt = attempts(sessions, job_id)[0]
    assert (attempt.state, attempt.exit_code) == (AttemptState.RELEASED, 75)
    with sessions() as session:
        assert session.get_one(Job, job_id).num_attempts == 0
        assert session.scalars(select(Worker.state)).one() == "offline"


def test_a_worker_refuses_a_database_of_another_version(start_worker: StartWorker, tmp_path: Path) -> None:
    worker = start_worker(database_url=f"sqlite:///{tmp_path / 'empty.db'}")
    assert worker.wait(20) == 78
    assert "python -m migrations" in (tmp_path / "worker0.log").read_text()
