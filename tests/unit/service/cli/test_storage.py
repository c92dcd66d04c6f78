"""`frs gc` and `frs retention`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("server")
ITEM = {
    "what": "state",
    "reason": "its experiment keeps only: last",
    "size_bytes": 2_000_000,
    "freed_bytes": 2_000_000,
    "checkpoint_id": "c1",
    "job_id": "j1234567890",
    "experiment_id": "e1",
    "experiment_name": "blood [red]",
    "step": 10,
}
PLAN = {"plan": "abc123", "deleted": False, "num_items": 1, "freed_bytes": 2_000_000, "items": [ITEM]}


def test_garbage_is_listed_and_nothing_is_deleted(server: Any, run: Make) -> None:
    server.answers["POST /gc"] = PLAN
    result = run("gc")
    assert result.code == 0
    for part in ("state", "blood [red] j123456", "10", "1.9 MiB", "keeps only: last"):
        assert part in result.out
    assert "frs gc --plan abc123" in result.err
    [request] = server.requests
    assert request.url.query == b""


def test_yes_deletes_what_was_just_listed(server: Any, run: Make) -> None:
    server.answers["POST /gc"] = [PLAN, {**PLAN, "deleted": True}]
    result = run("gc", "--yes", "--json")
    assert json.loads(result.out)["deleted"] is True
    assert server.requests[1].url.params["plan"] == "abc123"
    assert server.requests[1].url.params["dry_run"] == "false"


def test_a_plan_is_deleted_by_its_name(server: Any, run: Make) -> None:
    server.answers["POST /gc"] = {**PLAN, "deleted": True}
    assert "Deleted 1 file, 1.9 MiB." in run("gc", "--plan", "abc123").err
    assert len(server.requests) == 1
    assert run("gc", "--plan", "abc123", "--yes").code == 2


def test_where_nothing_is_to_be_deleted_yes_deletes_nothing(server: Any, run: Make) -> None:
    server.answers["POST /gc"] = {**PLAN, "num_items": 0, "items": []}
    assert "Nothing is to be deleted." in run("gc", "--yes").err
    assert len(server.requests) == 1


def test_retention_is_shown_and_replaced(server: Any, run: Make, make_experiment: Any) -> None:
    experiment = make_experiment("succeeded")
    path = f"/experiments/{experiment['id']}"
    rules = {"best": False, "last": True, "every_epochs": 5, "days": 2.0}
    server.answers |= {
        f"GET {path}": experiment,
        f"GET {path}/retention": [
            {"experiment_id": experiment["id"], "policy": None},
            {"experiment_id": experiment["id"], "policy": rules},
        ],
        f"PUT {path}/retention": {},
        f"DELETE {path}/retention": {},
    }
    assert run("retention", experiment["id"]).out == "keeps everything\n"
    kept = run("retention", experiment["id"], "--no-best", "--every-epochs", "5").out
    assert kept == "keeps last, every 5 epochs, 2 days\n"
    assert json.loads(server.changes[-1].content) == {"best": False, "every_epochs": 5}
    assert run("retention", experiment["id"], "--everything").code == 0
    assert server.changes[-1].method == "DELETE"
    assert run("retention", experiment["id"], "--everything", "--last").code == 2
