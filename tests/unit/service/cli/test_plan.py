"""`frs plan`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

ROW = {"label": "teacher", "role": "teacher", "jobs": 1, "batch_size": 8, "steps": 26}
QUICK = {"name": "blood", "timed": False, "rows": [ROW], "num_jobs": 1, "num_slots": 1, "steps": 26}
TIMED = {
    **QUICK,
    "timed": True,
    "num_slots": 2,
    "seconds": 75.0,
    "disk_bytes": 3 * 2**29,
    "device": {"name": "a GPU", "on_gpu": True, "memory_bytes": 16 * 2**30},
    "fits": False,
    "rows": [
        {**ROW, "seconds_per_step": 1.5, "seconds": 41.0, "memory_bytes": 2**30, "fits": True},
        {**ROW, "label": "frs", "fits": False, "advice": ["set schedule.batch_size to 5", "wait"]},
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "e.yaml"
    path.write_text("name: blood\nschedule:\n  batch_size: 99\n")
    return path


def timing(server: Any, job: dict[str, Any]) -> None:
    server.answers["POST /experiments/plan"] = {"plan": QUICK, "job": {**job, "state": "queued"}}
    server.answers[f"GET /jobs/{job['id']}"] = job
    artifact = {"id": "a", "name": "plan.json", "media_type": "x", "sha256": "0", "size_bytes": 1}
    server.answers[f"GET /jobs/{job['id']}/artifacts"] = {
        "items": [{**artifact, "download": "/api/v1/artifacts/a/download"}]
    }
    server.answers["GET /artifacts/a/download"] = TIMED


def test_a_timed_plan_is_shown_with_advice(server: Any, run: Make, make_job: Make, file: Path) -> None:
    timing(server, make_job("succeeded"))
    result = run("plan", file)
    assert result.code == 0, result.err
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[1] == ["teacher", "1", "8", "26", "1.5", "0:41", "1.0", "GiB", "\u2013", "yes"]
    assert lines[2][-1] == "no"
    assert "about 1:15 with 2 jobs at a time, 1.5 GiB on disk, timed on a GPU (16.0 GiB)" in result.out
    assert "frs does not fit: set schedule.batch_size to 5\n  or wait" in result.out


def test_a_plan_without_timing_says_so(server: Any, run: Make, file: Path) -> None:
    server.answers["POST /experiments/plan"] = {
        "plan": {**QUICK, "notes": ["nothing was timed"]},
        "job": None,
    }
    result = run("plan", file, "--quick")
    assert result.code == 0
    assert server.requests[0].url.params["quick"] == "true"
    assert "! nothing was timed" in result.out
    assert json.loads(run("plan", file, "--json").out)["steps"] == 26


def test_json_is_the_timed_plan(server: Any, run: Make, make_job: Make, file: Path) -> None:
    timing(server, make_job("succeeded"))
    assert json.loads(run("plan", file, "--json").out)["seconds"] == 75.0


def test_a_timing_that_failed_and_a_bad_file_have_their_codes(
    server: Any, run: Make, make_job: Make, make_problem: Make, file: Path
) -> None:
    timing(server, make_job("failed", reason="the data set is gone"))
    failed = run("plan", file)
    assert failed.code == 1
    assert "the data set is gone" in failed.err
    fault = {"field": "schedule.batch_size", "message": "at most 4", "value": 99}
    server.answers["POST /experiments/plan"] = make_problem(422, "no", errors=[fault])
    refused = run("plan", file)
    assert refused.code == 2
    assert "(line 3)" in refused.err
