"""Asking what an experiment will cost."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import PlanSpec
from service.db import ledger

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Body
    from tests.fixtures.submissions import Submit

PLAN = "/api/v1/experiments/plan"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def register(sessions: sessionmaker[Session], *, slots: int = 1, gpus: int = 0) -> None:
    devices = {"slots": slots, "gpus": [{"name": "a GPU"}] * gpus}
    with sessions.begin() as session:
        ledger.register_worker(session, host="h", pid=1, version="0", devices=devices)


def test_a_plan_counts_at_once_and_queues_a_job_that_times(
    api: "TestClient",
    sessions: sessionmaker[Session],
    experiment_body: "Body",
    hand: "Hand",
    submit: "Submit",
) -> None:
    submit()  # is queued before, and stands behind
    register(sessions, slots=3)
    answer = api.post(PLAN, json=experiment_body)
    assert answer.status_code == 202, answer.text
    plan, job = answer.json()["plan"], answer.json()["job"]
    counted = [(row["label"], row["jobs"], row["steps"]) for row in plan["rows"]]
    assert counted == [("teacher", 1, 2), ("none", 1, 2), ("frs", 1, 2)]
    assert (plan["timed"], plan["num_jobs"], plan["num_slots"], plan["seconds"]) == (False, 3, 4, None)
    assert (job["kind"], job["experiment_id"], job["state"]) == ("plan", None, "queued")

    claim = hand.claim()
    assert claim is not None
    assert claim.lease.job_id == job["id"]
    assert isinstance(claim.spec, PlanSpec)
    assert (claim.spec.num_slots, claim.spec.experiment.name) == (4, experiment_body["name"])


def test_nothing_of_a_plan_is_an_experiment(
    api: "TestClient", sessions: sessionmaker[Session], experiment_body: "Body"
) -> None:
    register(sessions)
    assert api.post(PLAN, json=experiment_body).status_code == 202
    assert api.get("/api/v1/experiments").json()["items"] == []


@pytest.mark.parametrize(
    ("query", "gpus", "note"),
    [("?quick=true", 0, "nothing was timed, as asked"), ("", 1, "no worker that has 1 GPUs is online")],
)
def test_without_timing_the_plan_says_what_it_cannot_tell(
    api: "TestClient", sessions: sessionmaker[Session], experiment_body: Any, query: str, gpus: int, note: str
) -> None:
    register(sessions)
    answer = api.post(PLAN + query, json={**experiment_body, "resources": {"gpus": gpus}})
    assert answer.status_code == 200
    assert answer.json()["job"] is None
    assert any(note in line for line in answer.json()["plan"]["notes"])
    assert api.get("/api/v1/jobs").json()["items"] == []


def test_what_cannot_be_submitted_cannot_be_planned(api: "TestClient", experiment_body: Any) -> None:
    teacher = {**experiment_body["teacher"], "train": None, "checkpoint": "0123456789abcdef"}
    for change, field in (
        ({"schedule": {"batch_size": 99}}, "schedule.batch_size"),
        ({"teacher": teacher}, "teacher.checkpoint"),
    ):
        answer = api.post(PLAN, json=experiment_body | change)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
