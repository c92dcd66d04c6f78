import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
KEY = {
    "id": "0123456789abcdef",
    "name": "ada",
    "role": "submitter",
    "state": "valid",
    "created_at": "2026-01-02T03:04:05Z",
    "last_used_at": None,
    "expires_at": "2026-02-03T00:00:00Z",
    "max_queued_jobs": 5,
}


def test_a_new_key_alone_is_on_standard_output(run: Run, server: Any) -> None:
    server.answers["POST /keys"] = {**KEY, "key": "frs_0123_secret"}
    result = run("key", "create", "--name", "ada", "--days", 3)
    assert (result.code, result.out) == (0, "frs_0123_secret\n")
    assert "not shown again" in result.err
    assert server.sent()["role"] == "submitter"
    assert server.sent()["expires_at"] is not None


def test_the_list_leaves_out_what_no_longer_holds(run: Run, server: Any) -> None:
    old = {**KEY, "id": "fedcba9876543210", "name": "eve", "state": "revoked"}
    server.answers["GET /keys"] = {"items": [KEY, old]}
    assert "2026-02-03" in run("key", "list").out
    assert "eve" not in run("key", "list").out
    assert [key["name"] for key in json.loads(run("key", "list", "--all", "--json").out)] == ["ada", "eve"]


def test_a_key_is_revoked(run: Run, server: Any) -> None:
    server.answers["POST /keys/0123/revoke"] = {**KEY, "state": "revoked"}
    assert "revoked" in run("key", "revoke", "0123").out


def test_limits_are_shown_changed_and_taken_away(run: Run, server: Any) -> None:
    server.answers["PATCH /keys/0123"] = KEY
    shown = run("key", "limits", "0123").out
    assert server.sent() == {}
    assert "max_queued_jobs: 5" in shown
    assert "max_running_gpus: none" in shown
    run("key", "limits", "0123", "--max-queued-jobs", "none", "--requests-per-minute", 60)
    assert server.sent() == {"max_queued_jobs": None, "requests_per_minute": 60}


@pytest.mark.parametrize("text", ["-1", "many", "1.5", "²"])
def test_a_limit_that_is_no_number_is_refused_here(run: Run, server: Any, text: str) -> None:
    result = run("key", "limits", "0123", f"--max-queued-jobs={text}")
    assert result.code == 2
    assert "whole number, or none" in result.err
    assert not server.requests


def test_open_prints_the_address_and_opens_it(run: Run, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("service.cli.keys.typer.launch", opened.append)
    server.answers["POST /tickets"] = {"path": "/login/once", "expires_at": "2026-01-02T03:04:05Z"}
    assert run("open", "--print").out == "http://fake/login/once\n"
    assert opened == []
    run("open")
    assert opened == ["http://fake/login/once"]
