import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]


def test_a_list_is_read_over_pages_up_to_its_limit(server: Any, run: Make, make_experiment: Make) -> None:
    page = {"items": [make_experiment("running", id=f"e{n}") for n in range(2)], "next_cursor": "more"}
    server.answers["GET /experiments"] = page
    result = run("list", "--json", "--limit", "5", "--state", "running")
    assert [item["id"] for item in json.loads(result.out)] == ["e0", "e1", "e0", "e1", "e0"]
    assert [request.url.params.get("cursor") for request in server.requests] == [None, "more", "more"]
    assert {request.url.params["state"] for request in server.requests} == {"running"}


def test_a_list_shows_names_and_states(server: Any, run: Make, make_experiment: Make) -> None:
    server.answers["GET /experiments"] = {
        "items": [make_experiment("failed", job_states={"failed": 1, "running": 2}, num_jobs=3)]
    }
    out = run("list").out
    assert "e1234567  blood  failed" in out
    assert "1/3" in out


def test_an_experiment_is_shown_with_reason_and_warnings(
    server: Any, run: Make, make_experiment: Make, make_job: Make
) -> None:
    server.answers["GET /experiments/e1"] = make_experiment(
        "failed",
        make_job("failed", reason="no such folder", reason_field="dataset.root"),
        make_job("succeeded", "none", latest_ap=0.397, num_attempts=2),
        warnings=[{"source": "dataset", "code": "x", "message": "2 boxes [have] no area"}],
    )
    out = run("show", "e1").out
    assert "frs · seed 0: dataset.root: no such folder" in out
    assert "39.7" in out
    assert "2 boxes [have] no area" in out
    assert "j-none-0" in out


@pytest.mark.parametrize("chosen", ["csv", "md", "json"])
def test_a_report_is_the_servers_own_bytes(
    server: Any, run: Make, make_experiment: Make, tmp_path: Path, chosen: str
) -> None:
    server.answers["GET /experiments/e1"] = make_experiment("succeeded", id="e1")
    server.answers["GET /experiments/e1/report"] = httpx.Response(200, content=b"AP;\xc2\xb1\n")
    assert run("report", "e1", "--format", chosen).out == "AP;±\n"
    assert run("report", "e1", "-f", chosen, "--output", tmp_path / "r").code == 0
    assert (tmp_path / "r").read_bytes() == b"AP;\xc2\xb1\n"
    assert server.requests[-1].url.params["format"] == chosen


def test_a_report_that_cannot_be_written_is_code_2(
    server: Any, run: Make, make_experiment: Make, tmp_path: Path
) -> None:
    server.answers["GET /experiments/e1"] = make_experiment("succeeded", id="e1")
    server.answers["GET /experiments/e1/report"] = httpx.Response(200, content=b"AP\n")
    result = run("report", "e1", "--format", "md", "--output", tmp_path / "absent" / "r.md")
    assert result.code == 2
    assert "r.md: No such file or directory" in result.err


def test_why_a_job_is_tried_again_is_shown(
    server: Any, run: Make, make_experiment: Make, make_job: Make
) -> None:
    job = make_job("queued", num_attempts=1, reason="the process was killed")
    server.answers["GET /experiments/e1"] = make_experiment("queued", job)
    assert "frs · seed 0: the process was killed" in run("show", "e1").out


def test_a_table_cannot_be_written_to_a_file(server: Any, run: Make, tmp_path: Path) -> None:
    assert run("compare", "e1", "--output", tmp_path / "r").code == 2


@pytest.mark.parametrize("command", ["show", "compare", "logs", "cancel"])
def test_an_unknown_id_is_refused(server: Any, run: Make, command: str) -> None:
    result = run(command, "nope")
    assert result.code == 4
    assert "nope" in result.err


@pytest.mark.parametrize("arguments", [["list"], ["show", "e1"], ["logs", "e1"], ["cancel", "e1"]])
def test_a_server_that_does_not_answer_is_code_3(server: Any, run: Make, arguments: list[str]) -> None:
    for path in ("experiments", "experiments/e1"):
        server.answers[f"GET /{path}"] = httpx.ConnectError("refused")
    result = run(*arguments)
    assert result.code == 3
    assert "frs up" in result.err


def test_logs_of_an_experiment_are_those_of_its_started_jobs(
    server: Any, run: Make, make_experiment: Make, make_job: Make
) -> None:
    server.answers["GET /experiments/e1"] = make_experiment(
        "running", make_job("succeeded", num_attempts=1), make_job("queued", "none")
    )
    server.answers["GET /jobs/j-frs-0/logs"] = [
        {"text": "one\n", "next_after": "a", "finished": False},
        {"text": "two\n", "next_after": "b", "finished": True},
    ]
    result = run("logs", "e1")
    assert result.out == "one\ntwo\n"
    assert [request.url.params.get("after") for request in server.requests[-2:]] == [None, "a"]


def test_logs_are_followed_until_the_job_ends(
    server: Any, run: Make, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.jobs.POLL_SECONDS", 0.0)
    server.answers["GET /jobs/j"] = make_job("running")
    server.answers["GET /jobs/j-frs-0/logs"] = [
        {"text": "one\n", "next_after": "a", "finished": False},
        {"text": "", "next_after": "a", "finished": False},
        {"text": "two\n", "next_after": "b", "finished": True},
    ]
    assert run("logs", "j", "--follow").out == "one\ntwo\n"


def test_the_logs_of_several_jobs_are_followed_by_whole_lines_behind_their_titles(
    server: Any, run: Make, make_experiment: Make, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.jobs.POLL_SECONDS", 0.0)
    running = make_experiment("running", make_job("running", num_attempts=1), make_job("queued", "none"))
    ended = [make_job("succeeded", num_attempts=1), make_job("failed", "none", num_attempts=1)]
    server.answers["GET /experiments/e1234567890"] = [running, running, make_experiment("failed", *ended)]
    server.answers["GET /jobs/j-frs-0/logs"] = [
        {"text": "one\ntw", "next_after": "a", "finished": False},
        {"text": "", "next_after": "a", "finished": False},
        {"text": "o\n", "next_after": "b", "finished": True},
    ]
    server.answers["GET /jobs/j-none-0/logs"] = {"text": "no\nend", "next_after": "a", "finished": True}
    assert run("logs", "e1234567890", "--follow").out.splitlines() == [
        "frs · seed 0 | one",
        "frs · seed 0 | two",
        "none · seed 0 | no",
        "none · seed 0 | end",
    ]
