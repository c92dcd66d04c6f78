"""`frs wait`, `watch` and `--timeout`: what is waited for, how it is shown, and how that ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from service.cli.watch import RunningView
from service.client import Job

Make = Callable[..., Any]


@pytest.fixture
def ending(server: Any, make_experiment: Make, make_job: Make) -> Any:
    """An experiment that succeeds and a job that fails, each after a while."""
    experiment = make_experiment("running", make_job("running"), id="e1234567890")
    server.answers["GET /experiments/e1234567890"] = [
        experiment, experiment, {**experiment, "state": "succeeded", "jobs": [make_job("succeeded")]},
    ]  # fmt: skip
    job = make_job("running", id="j1234567890")
    server.answers["GET /jobs/j1234567890"] = [job, job, {**job, "state": "failed", "reason": "no data"}]
    return server


@pytest.mark.usefixtures("ending")
def test_all_are_waited_for_and_one_failure_is_code_1(run: Make) -> None:
    result = run("wait", "e1234567890", "j1234567890")
    assert result.code == 1
    assert result.out == "e1234567890  blood  succeeded\nj1234567890  frs  failed  no data\n"


@pytest.mark.usefixtures("ending")
def test_success_is_code_0_and_json_tells_the_states(run: Make) -> None:
    result = run("wait", "e1234567890", "--json")
    assert result.code == 0
    assert json.loads(result.out) == [{"id": "e1234567890", "name": "blood", "state": "succeeded"}]


def test_a_timeout_is_code_5_and_cancels_nothing(run: Make, server: Any, make_job: Make) -> None:
    server.answers["GET /jobs/j1234567890"] = make_job("running", id="j1234567890")
    result = run("wait", "j1234567890", "--timeout", "0")
    assert result.code == 5
    assert "frs is still running after 0 s; it goes on" in result.err
    assert server.changes == []


def test_control_c_is_code_130_and_says_how_to_come_back(run: Make, server: Any, make_job: Make) -> None:
    job = make_job("running", id="j1234567890")
    server.answers["GET /jobs/j1234567890"] = [job, KeyboardInterrupt()]
    result = run("wait", "j1234567890")
    assert result.code == 130
    assert "frs wait j1234567" in result.err


@pytest.mark.parametrize("option", ["--wait", "--follow"])
def test_a_submission_that_takes_too_long_is_code_5(
    run: Make, server: Any, make_experiment: Make, make_job: Make, tmp_path: Path, option: str
) -> None:
    (tmp_path / "e.yaml").write_text("name: blood\n")
    server.answers["POST /experiments"] = make_experiment("queued", make_job("queued"))
    server.answers["GET /experiments/e1234567890"] = make_experiment("running", make_job("running"))
    assert run("submit", tmp_path / "e.yaml", option, "--timeout", "0").code == 5
    assert run("submit", tmp_path / "e.yaml", "--timeout", "1").code == 2


def test_a_report_that_takes_too_long_is_code_5(run: Make, server: Any, make_experiment: Make) -> None:
    server.answers["GET /experiments/e1234567890"] = make_experiment("succeeded")
    making = httpx.Response(202, json={"progress": 0.5, "stage": "drawing"})
    server.answers["GET /experiments/e1234567890/report"] = making
    result = run("report", "e1234567890", "--timeout", "0")
    assert result.code == 5
    assert "the md report is not made (50 %)" in result.err


def test_all_that_runs_is_watched_by_lines_until_nothing_does(
    run: Make, server: Any, make_experiment: Make, make_job: Make
) -> None:
    job = make_job("running", id="j1", experiment_id="e1", epoch=1, total_epochs=2)
    server.answers["GET /experiments/e1"] = make_experiment("running", id="e1")
    server.answers["GET /jobs"] = [
        {"items": [job]}, {"items": [{**job, "state": "queued"}]},  # running, queued
        {"items": [job]}, {"items": []},
        {"items": []}, {"items": []},
    ]  # fmt: skip
    server.answers["GET /jobs/j1"] = {**job, "state": "succeeded", "epoch": 2}
    result = run("watch")
    assert result.code == 0
    lines = [line.split("  ", 1)[1] for line in result.out.splitlines()]
    assert lines == ["blood  frs · seed 0  running  epoch 1/2", "blood  frs · seed 0  succeeded  epoch 2/2"]


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_a_watched_job_ends_with_its_code(
    run: Make, server: Any, make_job: Make, state: str, code: int
) -> None:
    job = make_job("running", id="j1234567890")
    server.answers["GET /jobs/j1234567890"] = [job, {**job, "state": state}]
    result = run("watch", "j1234567890")
    assert result.code == code
    assert result.out == f"frs · seed 0  {state}\n"


def test_control_c_stops_watching_and_nothing_else(run: Make, server: Any) -> None:
    server.answers["GET /jobs"] = KeyboardInterrupt()
    result = run("watch")
    assert result.code == 130
    assert "everything goes on" in result.err


@pytest.mark.parametrize("width", [70, 140])
def test_the_live_table_fits_and_says_how_many_it_leaves_out(make_job: Make, width: int) -> None:
    jobs = [
        Job.model_validate(
            make_job(
                "running", "l" * 60, id=f"{number:016}", experiment_id="e", epoch=3, total_epochs=8, step=3,
                total_steps=8, latest_loss=1.23456, latest_ap=0.1, eta_seconds=4000,
            )
        )
        for number in range(9)
    ]  # fmt: skip
    console = Console(width=width, height=9, color_system=None)
    with console.capture() as capture:
        console.print(RunningView(jobs, {"e": "n" * 60}, 4, "trying again"))
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0] == "9 running, 4 queued"
    assert lines[2].split()[-2:] == ["3/8", "1:06:40"]
    assert lines[-2:] == ["… and 4 more", "trying again"]
    assert len(lines) == 9
