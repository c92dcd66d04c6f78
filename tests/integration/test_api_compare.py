"""Any runs side by side, where that is fair."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import COCO_METRICS, EvaluationEvent
from service.db import ledger
from service.db.models import Job
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def run(submit: Submit, hand: Hand, sessions: Sessions):
    """Submits an experiment and ends its jobs with the APs of their labels."""

    def run(name: str, aps: dict[str, float], *, data: str = "d", **changes: object) -> str:
        experiment_id = submit(name=name, **changes)
        while (claim := hand.claim()) is not None:
            with sessions.begin() as session:
                job = session.get_one(Job, claim.lease.job_id)
                event = EvaluationEvent(
                    time=1.0, split="val", step=10, epoch=1, evaluator="e", dataset_hash=data * 64,
                    num_images=4, num_boxes=9, per_class={},
                    metrics=dict.fromkeys(COCO_METRICS, aps[job.label]),
                )  # fmt: skip
                ledger.record(session, claim.lease, [event])
            hand.finish(claim.lease)
        return experiment_id

    return run


def test_rows_of_two_experiments_stand_side_by_side_under_names_that_tell_them_apart(
    api: "TestClient", run
) -> None:
    first = run("first", {"teacher": 0.5, "none": 0.3, "frs": 0.33})
    second = run("second", {"teacher": 0.5, "none": 0.3, "pkd": 0.36}, methods=["none", "pkd"], seeds=[1])
    answer = api.get("/api/v1/compare", params={"experiment": [first, second[:8]]}).json()
    labels = [row["label"] for row in answer["comparison"]["rows"]]
    assert labels == [
        f"first ({first[:4]}): teacher", f"second ({second[:4]}): teacher", f"first ({first[:4]}): none",
        "frs", f"second ({second[:4]}): none", "pkd",
    ]  # fmt: skip
    assert answer["comparison"]["baseline"] == f"first ({first[:4]}): none"
    assert [each["setting"] for each in answer["differences"]] == ["method.name"]


def test_jobs_are_compared_with_a_baseline_of_choice(api: "TestClient", run) -> None:
    first = run("first", {"teacher": 0.5, "none": 0.3, "frs": 0.33})
    jobs = {job["label"]: job["id"] for job in api.get(f"/api/v1/experiments/{first}").json()["jobs"]}
    answer = api.get("/api/v1/compare", params={"job": [jobs["none"], jobs["frs"]], "baseline": "frs"}).json()
    rows = {row["label"]: row for row in answer["comparison"]["rows"]}
    assert rows["none"]["delta_ap"] == pytest.approx(-0.03)


def test_what_was_not_measured_alike_is_refused_with_the_reason(api: "TestClient", run) -> None:
    first = run("first", {"teacher": 0.5, "none": 0.3, "frs": 0.33})
    other_data = run(
        "other", {"teacher": 0.5, "none": 0.3, "frs": 0.33}, data="e", seeds=[5], input_size=[96, 96]
    )
    answer = api.get("/api/v1/compare", params={"experiment": [first, other_data]})
    assert answer.status_code == 409
    assert "differ in data set" in answer.json()["detail"]


def test_students_of_different_schedules_are_refused(api: "TestClient", run) -> None:
    first = run("first", {"teacher": 0.5, "none": 0.3, "frs": 0.33})
    longer = run(
        "longer", {"teacher": 0.5, "none": 0.3, "frs": 0.33}, schedule={"epochs": 2, "batch_size": 2}
    )
    answer = api.get("/api/v1/compare", params={"experiment": [first, longer]})
    assert answer.status_code == 409
    assert "differ in schedule" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({}, 422, "give ids of experiments"),
        ({"experiment": "nothere0"}, 404, "there is no experiment"),
        ({"job": "0000"}, 404, "there is no job"),
        ({"experiment": "\0"}, 404, "there is no experiment"),
        ({"baseline": "x" * 300, "experiment": "abcd"}, 422, "baseline"),
    ],
)
def test_bad_choices_are_told(api: "TestClient", query: dict[str, str], status: int, said: str) -> None:
    answer = api.get("/api/v1/compare", params=query)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_an_unknown_baseline_names_those_there_are(api: "TestClient", run) -> None:
    first = run("first", {"teacher": 0.5, "none": 0.3, "frs": 0.33})
    answer = api.get("/api/v1/compare", params={"experiment": first, "baseline": "fsr"})
    assert answer.status_code == 422
    assert "frs, none, teacher" in answer.json()["detail"]
