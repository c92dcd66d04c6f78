import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "exp.yaml"
    path.write_text("name: blood\ndataset:\n  format: voc\n  root: bccd\nmethods: [none, frs]\n")
    return path


def test_a_submission_sends_absolute_paths_and_a_key(
    server: Any, run: Make, make_experiment: Make, make_job: Make, file: Path
) -> None:
    server.answers["POST /experiments"] = make_experiment("queued", make_job("queued"))
    result = run("submit", file, "--json", "--idempotency-key", "again")
    assert result.code == 0
    assert json.loads(result.out)["id"] == "e1234567890"
    assert server.sent()["dataset"]["root"] == str(file.parent / "bccd")
    assert server.requests[0].headers["Idempotency-Key"] == "again"


def test_each_submission_without_a_key_gets_its_own(
    server: Any, run: Make, make_experiment: Make, file: Path
) -> None:
    server.answers["POST /experiments"] = make_experiment("queued")
    run("submit", file)
    run("submit", file)
    first, second = (request.headers["Idempotency-Key"] for request in server.requests)
    assert first != second


@pytest.mark.parametrize(
    ("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1), ("blocked", 1)]
)
def test_waiting_ends_with_the_outcome(
    server: Any, run: Make, make_experiment: Make, make_job: Make, file: Path, state: str, code: int
) -> None:
    server.answers["POST /experiments"] = make_experiment("queued", make_job("queued"))
    server.answers["GET /experiments/e1234567890"] = [
        make_experiment("running", make_job("running")),
        make_experiment(state, make_job(state)),
    ]
    result = run("submit", file, "--wait", "--json")
    assert result.code == code
    assert json.loads(result.out)["id"] == "e1234567890"
    assert json.loads(result.out)["state"] == state


def test_following_prints_changes_and_then_the_comparison(
    server: Any, run: Make, make_experiment: Make, make_job: Make, file: Path
) -> None:
    running = make_job("running", epoch=1, total_epochs=2, latest_loss=1.23456, latest_ap=0.1234)
    server.answers["POST /experiments"] = make_experiment("queued", make_job("queued"))
    server.answers["GET /experiments/e1234567890"] = [
        make_experiment("running", running),
        make_experiment("running", running),
        httpx.ConnectError("restarting"),
        make_experiment("succeeded", make_job("succeeded", epoch=2, total_epochs=2)),
    ]
    server.answers["GET /experiments/e1234567890/comparison"] = {
        "experiment": "e1234567890",
        "baseline": "none",
        "rows": [{"label": "frs", "role": "student", "seeds": [0], "metrics": {}}],
        "warnings": ["one seed"],
    }
    result = run("submit", file, "--follow")
    assert result.code == 0
    assert result.err.count("frs · seed 0  running") == 1
    assert "epoch 1/2  loss 1.235  AP 12.3" in result.err
    assert "restarting; trying again" in result.err
    assert "one seed" in result.out


def test_control_c_detaches_and_cancels_nothing(
    server: Any, run: Make, make_experiment: Make, make_job: Make, file: Path
) -> None:
    server.answers["POST /experiments"] = make_experiment("queued", make_job("queued"))
    server.answers["GET /experiments/e1234567890"] = [
        make_experiment("running", make_job("running")),
        KeyboardInterrupt(),
    ]
    result = run("submit", file, "--follow")
    assert result.code == 130
    assert "frs show e1234567 --follow" in result.err
    assert "frs cancel e1234567" in result.err
    assert [request.method for request in server.requests] == ["POST", "GET", "GET"]


def test_a_refused_file_names_field_line_and_value(
    server: Any, run: Make, make_problem: Make, file: Path
) -> None:
    fault = {"field": "methods.1.name", "message": "unknown method", "value": "frs"}
    server.answers["POST /experiments"] = make_problem(422, "methods.1.name: unknown", errors=[fault])
    result = run("submit", file)
    assert result.code == 2
    assert "methods.1.name (line 5)" in result.err
    assert "unknown method; got 'frs'" in result.err


def test_follow_and_wait_exclude_each_other(run: Make, file: Path) -> None:
    assert run("submit", file, "--follow", "--wait").code == 2


def test_a_value_that_is_no_number_is_left_to_the_server_to_refuse(
    server: Any, run: Make, file: Path
) -> None:
    file.write_text("name: blood\nschedule: {optimizer: {lr: .nan}}\n")
    faults = [{"field": "schedule.optimizer.lr", "message": "is not finite", "value": "nan"}]
    server.answers["POST /experiments"] = httpx.Response(422, json={"detail": "no", "errors": faults})
    result = run("submit", file)
    assert result.code == 2
    assert "schedule.optimizer.lr (line 2): is not finite" in result.err
    assert b"NaN" in server.requests[0].content


WHOLE = """
name: blood
dataset: {format: voc, root: cells}
schedule: {epochs: 8}
methods: [none, frs]
tags: [b]
"""


def test_overrides_seeds_and_smoke_are_put_into_what_is_sent(
    server: Any, run: Make, make_experiment: Make, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(WHOLE)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    server.answers["POST /experiments"] = make_experiment("queued")
    changes = ("--set", "schedule.epochs=2", "--set", "methods.1.weight=3", "--set", "dataset.root=other")
    assert run("submit", file, *changes, "--seeds", "1,4-5").code == 0
    sent = server.sent()
    assert (sent["schedule"], sent["seeds"]) == ({"epochs": 2}, [1, 4, 5])
    assert sent["methods"] == ["none", {"name": "frs", "weight": 3}]
    assert sent["dataset"]["root"] == str(tmp_path / "here" / "other")
    assert run("submit", file, "--smoke", "--seeds", "7-8").code == 0
    sent = server.sent()
    assert (sent["name"], sent["tags"], sent["seeds"]) == ("smoke: blood", ["b", "smoke"], [7])
    assert sent["schedule"]["steps"] == 4
    assert sent["dataset"]["root"] == str(file.parent / "cells")


def test_a_wrong_override_sends_nothing(server: Any, run: Make, file: Path) -> None:
    result = run("submit", file, "--set", "shedule.epochs=2")
    assert result.code == 2
    assert "did you mean schedule?" in " ".join(result.err.replace("│", "").split())
    assert server.requests == []
