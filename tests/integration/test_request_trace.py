"""One request, followed by its id from the API through keeper and worker to the process that trains."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Job
from service.db.states import JobState
from service.settings import Settings
from tests.fixtures.server import AS_ADMIN, Body, serving
from tests.waiting import wait_until

REQUEST_ID = "trace-me.2026"


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


@contextmanager
def process(arguments: list[str], log: Path, environment: dict[str, str], root: Path) -> Iterator[None]:
    with log.open("wb") as stream:
        started = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **environment, "PYTHONPATH": str(root)},
            cwd=root,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        started.terminate()
        started.wait(timeout=30)


def lines(log: Path) -> list[dict[str, Any]]:
    """Each line of a log, which must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_the_id_of_a_request_is_on_every_line_that_came_of_it(
    settings: Settings,
    sessions: sessionmaker[Session],
    redis_url: str,
    job_body: Body,
    tmp_path: Path,
    repo_root: Path,
) -> None:
    worker, keeper, api = (tmp_path / f"{name}.log" for name in ("worker", "keeper", "server"))
    environment = {
        "FRS_DATABASE_URL": settings.database_url,
        "FRS_DATA_DIR": str(settings.data_dir),
        "FRS_BROKER_URL": redis_url,
        "FRS_POLL_SECONDS": "0.2",
    }
    with ExitStack() as stack:
        url = stack.enter_context(serving(settings, tmp_path))
        stack.enter_context(process(["-m", "service.jobs.keeper"], keeper, environment, repo_root))
        stack.enter_context(process(["tests/miniature/worker.py"], worker, environment, repo_root))
        headers = {**AS_ADMIN, "X-Request-ID": REQUEST_ID}
        answer = httpx.post(f"{url}/api/v1/jobs", json=job_body, headers=headers)
        assert answer.status_code == 201, answer.text
        job_id = answer.json()["id"]
        untraced = {**job_body, "name": "other"}
        other = httpx.post(f"{url}/api/v1/jobs", json=untraced, headers=AS_ADMIN).json()["id"]

        def succeeded() -> bool:
            with sessions() as session:
                states = session.scalars(select(Job.state).where(Job.id.in_((job_id, other))))
                return set(states) == {JobState.SUCCEEDED}

        wait_until(succeeded)
    [submission] = [line for line in lines(api) if line.get("request_id") == REQUEST_ID]
    assert (submission["path"], submission["component"]) == ("/api/v1/jobs", "api")
    assert {line["component"] for line in lines(keeper)} == {"keeper"}
    traced = [line for line in lines(worker) if line.get("request_id") == REQUEST_ID]
    assert {line["component"] for line in traced} == {"worker", "child"}
    assert {"attempt_started", "attempt_ended", "alone begins"} <= {line["event"] for line in traced}
    assert {line["job_id"] for line in traced} == {job_id}
    assert {line["attempt"] for line in traced} == {1}
    [worker_id] = {line["worker"] for line in lines(worker) if line["event"] == "worker_registered"}
    assert {line["worker"] for line in traced} == {worker_id}
    assert {line["request_id"] for line in lines(worker) if line.get("job_id") == other} != {REQUEST_ID}
