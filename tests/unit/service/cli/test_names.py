"""Every command takes the same names for an experiment or a job; none asks the server by a name as an id."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]

OF_EXPERIMENTS = [
    ["show"], ["watch"], ["wait"], ["compare"], ["report"], ["export"], ["logs"], ["cancel"], ["pause"],
    ["resume"], ["priority"], ["clone"], ["extend", "--seed", "1"], ["record", "--out", "here"],
    ["external", "--label", "a", "--remove"], ["cite", "--label", "a", "--remove"], ["tag", "add"],
    ["tag", "remove"],
]  # fmt: skip
BEHIND = {"priority": ["3"], "tag": ["blood"]}


@pytest.mark.parametrize("command", OF_EXPERIMENTS, ids=" ".join)
@pytest.mark.parametrize("reference", ["@latest", "@latest:running", "blood"])
def test_an_experiment_is_named(
    run: Make, server: Any, make_experiment: Make, command: list[str], reference: str
) -> None:
    row = make_experiment("running", id="e1234567890")
    server.answers["GET /experiments"] = {"items": [row]}
    server.answers["GET /experiments/e1234567890"] = {**row, "state": "cancelled"}
    words = command[: 2 if command[0] == "tag" else 1]
    result = run(*words, reference, *BEHIND.get(command[0], []), *command[len(words) :])
    assert "is called" not in result.err
    paths = [request.url.path.removeprefix("/api/v1") for request in server.requests]
    assert "/experiments/e1234567890" in paths
    looking = {"/experiments", "/jobs", "/jobs/blood"}  # a short name may be a job's, too
    later = [path for path in paths[paths.index("/experiments/e1234567890") :] if path not in looking]
    assert all("e1234567890" in path for path in later)


@pytest.mark.parametrize(
    "command", [["download"], ["predict"], ["export"], ["show"], ["wait"], ["cancel"]], ids=" ".join
)
def test_a_job_is_named(run: Make, server: Any, make_job: Make, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    server.answers["GET /jobs"] = {"items": [make_job("failed", id="j1234567890")]}
    run(*command, "frs", *([tmp_path / "a.png"] if command == ["predict"] else []))
    named = next(request for request in server.requests if request.url.path == "/api/v1/jobs")
    assert named.url.params["name"] == "frs"
    later = server.requests[server.requests.index(named) + 1 :]
    assert all("/jobs/j1234567890" in request.url.path for request in later)


@pytest.mark.parametrize("command", [["show"], ["cancel"], ["compare"], ["wait"]], ids=" ".join)
def test_an_ambiguous_name_is_code_4_and_lists_what_may_be_meant(
    run: Make, server: Any, make_experiment: Make, command: list[str]
) -> None:
    rows = [make_experiment("running", id=f"e{number}234567890") for number in range(2)]
    server.answers["GET /experiments"] = {"items": rows}
    server.answers |= {f"GET /experiments/{row['id']}": row for row in rows}
    result = run(*command, "blood")
    assert result.code == 4
    assert "e0234567890 (blood, running); e1234567890 (blood, running)" in " ".join(result.err.split())
    assert server.changes == []


def test_tags_are_added_and_shown(run: Make, server: Any, make_experiment: Make) -> None:
    server.answers["GET /experiments/e1234567890"] = make_experiment("running", tags=["a"])
    server.answers["PATCH /experiments/e1234567890"] = make_experiment("running", tags=["a", "b"])
    assert run("tag", "add", "e1234567890", "b").out == "a, b\n"
    assert server.sent() == {"tags": ["a", "b"]}
    assert run("tag", "remove", "e1234567890", "a", "--json").code == 0
    assert server.sent() == {"tags": []}


def test_several_runs_are_compared_with_what_they_differ_in(
    run: Make, server: Any, make_experiment: Make, make_job: Make
) -> None:
    server.answers["GET /experiments/e1234567890"] = make_experiment("succeeded")
    server.answers["GET /jobs/j1234567890"] = make_job("succeeded", id="j1234567890")
    row = {"label": "frs", "role": "student", "seeds": [0], "metrics": {}}
    server.answers["GET /compare"] = {
        "comparison": {"experiment": "", "baseline": "none", "rows": [row]},
        "differences": [{"setting": "schedule.lr", "values": {"frs": "0.1", "none": "0.2"}}],
    }
    result = run("compare", "e1234567890", "j1234567890")
    assert result.code == 0, result.err
    assert ["schedule.lr", "0.1", "0.2"] in [line.split() for line in result.out.splitlines()]
    query = server.requests[-1].url.params
    assert (query["experiment"], query["job"]) == ("e1234567890", "j1234567890")


def test_a_job_is_shown_in_full(run: Make, server: Any, make_job: Make) -> None:
    server.answers["GET /jobs/j1234567890"] = make_job(
        "failed",
        id="j1234567890",
        experiment_id="e1",
        reason="no data",
        latest_ap=0.397,
        step=3,
        total_steps=9,
    )
    lines = [" ".join(line.split()) for line in run("show", "j1234567890").out.splitlines()]
    for line in (
        "state failed",
        "experiment e1",
        "row frs, seed 0 (distill)",
        "step 3 of 9",
        "AP on val 39.7",
        "reason no data",
    ):
        assert line in lines
