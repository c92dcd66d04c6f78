"""`frs list`: columns, filters, order."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import typer

from service.cli.experiments import moment

Make = Callable[..., Any]


@pytest.fixture
def listed(server: Any, make_experiment: Make) -> Any:
    more = {
        "tags": ["blood", "a"],
        "best_label": "frs",
        "best_ap": 0.397,
        "best_delta": -0.012,
        "dataset": "bccd",
    }
    server.answers["GET /experiments"] = {"items": [make_experiment("failed", submitted_by="Ada", **more)]}
    return server


@pytest.mark.usefixtures("listed")
def test_columns_stand_in_the_order_asked_for(run: Make) -> None:
    lines = run("list", "--columns", "name,ap,delta,best,tags,owner,dataset,full_id").out.splitlines()
    assert lines[0].split() == ["name", "AP", "ΔAP", "best", "row", "tags", "owner", "data", "set", "id"]
    assert lines[1].split() == ["blood", "39.7", "-1.2", "frs", "blood,", "a", "Ada", "bccd", "e1234567890"]


@pytest.mark.usefixtures("listed")
def test_where_it_is_narrow_names_give_way_and_numbers_do_not(
    run: Make, monkeypatch: pytest.MonkeyPatch, server: Any, make_experiment: Make
) -> None:
    more = {"best_ap": 0.397, "best_delta": -0.012, "submitted_by": "Ada"}
    server.answers["GET /experiments"] = {"items": [make_experiment("succeeded", name="n" * 80, **more)]}
    monkeypatch.setenv("COLUMNS", "70")
    lines = run("list").out.splitlines()
    assert max(map(len, lines)) <= 70
    assert lines[1].split()[0] == "e1234567"
    for whole in ("succeeded", "0/0", "39.7", "-1.2", "nnn…"):
        assert whole in lines[1]


@pytest.mark.usefixtures("listed")
def test_all_columns_and_those_of_the_settings(run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "progress" in run("list", "--columns", "all").out
    monkeypatch.setenv("FRS_LIST_COLUMNS", "state,name")
    assert run("list").out.split() == ["state", "name", "failed", "blood"]
    assert run("list", "--columns", "name").out.split() == ["name", "blood"]


def test_a_column_that_there_is_not_names_the_nearest_and_asks_nothing(run: Make, server: Any) -> None:
    result = run("list", "--columns", "nmae")
    assert result.code == 2
    assert "did you mean name?" in result.err
    assert server.requests == []


def test_filters_and_order_are_the_servers(run: Make, listed: Any) -> None:
    options = {
        "--state": "failed", "--tag": "blood", "--dataset": "bccd", "--method": "frs", "--owner": "Ada",
        "--search": "lo", "--since": "2026-01-01T00:00:00+00:00", "--sort": "ap",
    }  # fmt: skip
    run("list", *(part for pair in options.items() for part in pair), "--archived", "--reverse", "--json")
    assert dict(listed.requests[0].url.params) == {
        "limit": "20", "state": "failed", "tag": "blood", "dataset": "bccd", "method": "frs",
        "submitted_by": "Ada", "search": "lo", "since": "2026-01-01T00:00:00+00:00", "archived": "true",
        "sort": "ap", "direction": "asc",
    }  # fmt: skip


@pytest.mark.usefixtures("listed")
def test_the_json_of_a_list_has_these_keys(run: Make) -> None:
    [item] = json.loads(run("list", "--json").out)
    assert list(item) == [
        "id", "name", "state", "submitted_by", "tags", "created_at", "archived_at", "num_jobs", "job_states",
        "progress", "dataset", "best_label", "best_ap", "best_delta", "jobs",
    ]  # fmt: skip


@pytest.mark.usefixtures("server")
def test_a_list_that_a_filter_empties_says_so(run: Make) -> None:
    assert "No experiment is like that" in run("list", "--state", "failed").err
    assert "frs submit FILE" in run("list").err


NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90min", "2026-03-10T10:30:00+00:00"),
        ("12h", "2026-03-10T00:00:00+00:00"),
        ("2d", "2026-03-08T12:00:00+00:00"),
        ("1w", "2026-03-03T12:00:00+00:00"),
        ("2026-03-01T05:00:00+02:00", "2026-03-01T05:00:00+02:00"),
    ],
)
def test_moments_are_dates_or_ages(text: str, expected: str) -> None:
    assert moment(text, NOW).isoformat() == expected


def test_a_date_alone_is_the_local_midnight() -> None:
    assert moment("2026-03-01", NOW) == datetime(2026, 3, 1).astimezone()


@pytest.mark.parametrize("text", ["yesterday", "2x", "d", "-1d", "99999999999999d", ""])
def test_what_is_no_moment_says_what_is_one(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="give 2026-03-31"):
        moment(text, NOW)
