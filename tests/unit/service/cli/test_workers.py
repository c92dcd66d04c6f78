"""The commands about workers."""

from typing import Any

import pytest

from tests.unit.service.cli.conftest import NOW

WORKER = {
    "id": "w1234567890",
    "host": "node-a",
    "pid": 7,
    "version": "0.1.0",
    "devices": {"cpus": 2, "gpus": []},
    "state": "online",
    "usage": {"cpu": 0.5, "memory": 0.2},
    "heartbeat_at": NOW,
    "jobs": [{"id": "j1234567890", "name": "frs seed 0"}],
}


def test_workers_are_listed_with_what_they_run(server: Any, run: Any) -> None:
    gone = {**WORKER, "id": "x1", "host": "node-b", "state": "offline", "jobs": []}
    server.answers["GET /workers"] = {"items": [WORKER, gone]}
    shown = run("workers").out
    for text in ("node-a", "online", "2 CPU cores", "50 %", "frs seed 0"):
        assert text in shown
    assert "node-b" not in shown
    assert "node-b" in run("workers", "--all").out


def test_how_to_start_a_worker_is_told_where_there_is_none(server: Any, run: Any) -> None:
    server.answers["GET /workers"] = {"items": []}
    assert "frs up" in run("workers").err


@pytest.mark.parametrize(("jobs", "state"), [(WORKER["jobs"], "draining"), ([], "drained")])
def test_a_worker_is_drained(server: Any, run: Any, jobs: Any, state: str) -> None:
    server.answers["POST /workers/w1/drain"] = {**WORKER, "desired_state": "drain", "jobs": jobs}
    assert f" {state} " in run("worker", "drain", "w1").out
