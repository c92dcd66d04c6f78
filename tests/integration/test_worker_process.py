"""How a real Celery worker process finds jobs, by real Redis or without, and gives them GPUs."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import JobSpec, ResourcesSpec
from service.broker import QUEUE, make_celery, send_wakeup
from service.db.states import AttemptState, JobState
from service.jobs.submit import submit_job
from service.settings import Settings
from tests.fixtures.brokers import RedisProcess
from tests.fixtures.witnesses import Witness
from tests.fixtures.worker_processes import NEVER, StartWorker
from tests.fixtures.workplaces import SubmitMiniature
from tests.processes import children_of
from tests.waiting import wait_until

Sessions = sessionmaker[Session]
NO_BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """PostgreSQL, as several workers have it, unless a test says otherwise."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'postgresql')}_url")
    return url


def test_a_wake_up_delivered_three_times_trains_once_and_loads_no_torch(
    start_worker: StartWorker,
    quick_settings: Settings,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    redis_url: str,
) -> None:
    job_id = submit_miniature(steps=23, hold_at=12)
    worker = start_worker(broker_url=redis_url, poll_seconds=NEVER)
    witness.wait_for_worker()
    app = make_celery(Settings(broker_url=redis_url))
    for _ in range(3):
        send_wakeup(app, job_id)
    witness.wait_for_held_child(job_id)
    for pid in (worker.pid, *children_of(worker.pid)):
        assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()
    (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
    witness.wait_for(job_id, JobState.SUCCEEDED)
    with redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: client.llen(QUEUE) == 0 and client.hlen("unacked") == 0)
    assert [attempt.state for attempt in witness.attempts(job_id)] == [AttemptState.SUCCEEDED]
    assert witness.steps() == list(range(1, 24))


def test_jobs_for_two_gpus_each_get_two_of_a_workers_four(
    start_worker: StartWorker,
    quick_settings: Settings,
    witness: Witness,
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
        witness.wait_for(job_id, JobState.RUNNING)
    for job_id in ids:
        wait_until(lambda job_id=job_id: (quick_settings.work_dir / f"{job_id}-1").is_dir())
        (quick_settings.work_dir / f"{job_id}-1" / "go").touch()
    for job_id in ids:
        witness.wait_for(job_id, JobState.SUCCEEDED)
    printed = [witness.printed(job_id) for job_id in ids]
    devices = [re.findall(r'"CUDA_VISIBLE_DEVICES": "([^"]*)"', text)[0].split(",") for text in printed]
    assert sorted(map(len, devices)) == [2, 2]
    assert {gpu for pair in devices for gpu in pair} == {f"GPU-{i}" for i in range(4)}


@pytest.mark.parametrize("broker_url", ["", NO_BROKER])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_broker_jobs_are_found_by_polling(
    start_worker: StartWorker, witness: Witness, submit_miniature: SubmitMiniature, broker_url: str
) -> None:
    first, second = submit_miniature(steps=3), submit_miniature(steps=3)
    worker = start_worker(broker_url=broker_url)
    witness.wait_for(first, JobState.SUCCEEDED)
    witness.wait_for(second, JobState.SUCCEEDED)
    worker.terminate()
    assert worker.wait(20) == 0


def test_a_broker_may_go_away_and_come_back(
    start_worker: StartWorker,
    witness: Witness,
    submit_miniature: SubmitMiniature,
    redis_process: RedisProcess,
) -> None:
    redis_process.start()
    start_worker(broker_url=redis_process.url)
    witness.wait_for_worker()
    wait_until(lambda: redis_process.client.client_list(_type="normal"))
    redis_process.stop()
    job_id = submit_miniature(steps=3)
    witness.wait_for(job_id, JobState.SUCCEEDED)
    redis_process.start()
    send_wakeup(make_celery(Settings(broker_url=redis_process.url)), "any")
    wait_until(lambda: redis_process.client.llen(QUEUE) == 0 and not redis_process.client.hlen("unacked"))
