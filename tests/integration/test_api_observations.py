"""Metrics, logs, attempts, evaluations and comparisons by REST, on both databases."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session, sessionmaker

from frs_core.cost import Cost
from frs_core.events import CostEvent, EvaluationEvent, MetricEvent
from service.db import ledger

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


@pytest.fixture
def lease(submit: "Submit", hand: "Hand") -> ledger.Lease:
    """The right to write for an experiment's first job."""
    submit()
    return hand.take()


def test_metrics_keep_their_precision_and_say_what_was_not_finite(
    api: "TestClient", sessions: Sessions, lease: ledger.Lease
) -> None:
    value = 0.1 + 0.2
    with sessions.begin() as session:
        ledger.record(
            session,
            lease,
            [
                MetricEvent(time=5.5, step=1, values={"train/loss": value, "train/lr": 1e-300}),
                MetricEvent(time=6.5, step=2, values={"train/loss": None}, nonfinite={"train/loss": "nan"}),
            ],
        )
    path = f"/api/v1/jobs/{lease.job_id}/metrics"
    [loss, rate] = api.get(path).json()["items"]
    assert loss == {
        "name": "train/loss",
        "num_points": 2,
        "points": [
            {"step": 1, "value": value, "nonfinite": None, "time": 5.5},
            {"step": 2, "value": None, "nonfinite": "nan", "time": 6.5},
        ],
    }
    assert rate["points"][0]["value"] == 1e-300
    [loss, rate] = api.get(path, params={"after": 1}).json()["items"]
    assert (loss["num_points"], [point["step"] for point in loss["points"]]) == (1, [2])
    assert (rate["num_points"], rate["points"]) == (0, [])
    assert [item["name"] for item in api.get(path, params={"name": "train/lr"}).json()["items"]] == [
        "train/lr"
    ]


def test_long_series_are_thinned_and_keep_their_last_point(
    api: "TestClient", sessions: Sessions, lease: ledger.Lease
) -> None:
    events = [MetricEvent(time=1.0, step=step, values={"train/loss": 1.0}) for step in range(1000)]
    with sessions.begin() as session:
        ledger.record(session, lease, events)
    [series] = api.get(f"/api/v1/jobs/{lease.job_id}/metrics", params={"max_points": 50}).json()["items"]
    steps = [point["step"] for point in series["points"]]
    assert series["num_points"] == 1000
    assert len(steps) <= 51
    assert (steps[0], steps[-1]) == (0, 999)


def test_a_log_is_followed_to_its_end(
    api: "TestClient", sessions: Sessions, hand: "Hand", lease: ledger.Lease
) -> None:
    path = f"/api/v1/jobs/{lease.job_id}/logs"

    def append(offset: int, text: str) -> None:
        with sessions.begin() as session:
            ledger.append_log(session, lease, offset=offset, text=text)

    assert api.get(path).json() == {"text": "", "next_after": "", "finished": False}
    append(0, "epoch 1\n")
    first = api.get(path).json()
    assert (first["text"], first["finished"]) == ("epoch 1\n", False)
    append(8, "epoch ½\n")
    second = api.get(path, params={"after": first["next_after"]}).json()
    assert second["text"] == "epoch ½\n"
    hand.finish(lease)
    last = api.get(path, params={"after": second["next_after"]}).json()
    assert last == {"text": "", "next_after": second["next_after"], "finished": True}
    for plain in (api.get(path, params={"format": "text"}), api.get(path, headers={"Accept": "text/plain"})):
        assert plain.headers["content-type"].startswith("text/plain")
        assert plain.text == "epoch 1\nepoch ½\n"


def test_a_faulty_place_in_a_log_is_refused(api: "TestClient", lease: ledger.Lease) -> None:
    for after in ("x", "1:", "1:2:3", "-1:0", "9" * 30 + ":1", "1:\0"):
        answer = api.get(f"/api/v1/jobs/{lease.job_id}/logs", params={"after": after})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "after")


def test_attempts_tell_how_each_ended(api: "TestClient", hand: "Hand", lease: ledger.Lease) -> None:
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    hand.take()
    first, second = api.get(f"/api/v1/jobs/{lease.job_id}/attempts").json()["items"]
    assert (first["token"], first["state"], first["reason"]) == (1, "failed", "it broke")
    assert (second["token"], second["state"], second["ended_at"]) == (2, "running", None)
    assert api.get("/api/v1/workers").json()["items"][0]["id"] == second["worker_id"]


def test_a_comparison_reports_the_recorded_fractions(
    api: "TestClient", sessions: Sessions, hand: "Hand", lease: ledger.Lease
) -> None:
    event = EvaluationEvent(
        time=1.0,
        split="val",
        step=10,
        epoch=1,
        evaluator="faster-coco-eval 1.8.0",
        dataset_hash="d" * 64,
        num_images=2,
        num_boxes=9,
        metrics={"ap": 0.123456789012345, "ap_l": None},
    )
    with sessions.begin() as session:
        ledger.record(session, lease, [event])
    hand.finish(lease)
    [evaluation] = api.get(f"/api/v1/jobs/{lease.job_id}/evaluations").json()["items"]
    assert evaluation["metrics"] == event.metrics
    experiment_id = api.get(f"/api/v1/jobs/{lease.job_id}").json()["experiment_id"]
    path = f"/api/v1/experiments/{experiment_id}/comparison"
    comparison = api.get(path).json()
    assert [row["label"] for row in comparison["rows"]] == ["teacher", "none", "frs"]
    assert comparison["rows"][0]["metrics"]["ap"] == {"mean": 0.123456789012345, "sd": None, "n": 1}
    for name, media_type in (("csv", "text/csv"), ("tex", "application/x-tex"), ("html", "text/html")):
        answer = api.get(f"/api/v1/experiments/{experiment_id}/report", params={"format": name})
        assert answer.headers["content-type"].startswith(media_type)
        assert "teacher" in answer.text


def test_the_cost_is_told_of_the_job_and_in_its_row(
    api: "TestClient", sessions: Sessions, hand: "Hand", lease: ledger.Lease, cost: Cost
) -> None:
    path = f"/api/v1/jobs/{lease.job_id}"
    assert api.get(path).json()["cost"] is None
    with sessions.begin() as session:
        ledger.record(session, lease, [CostEvent(time=1.0, cost=cost)])
    hand.finish(lease)
    job = api.get(path).json()
    assert job["cost"] == cost.model_dump(mode="json")
    teacher, *students = api.get(f"/api/v1/experiments/{job['experiment_id']}/comparison").json()["rows"]
    assert (teacher["params"], teacher["macs"]) == (cost.params, cost.macs)
    assert teacher["latency_ms"] == {"mean": cost.latency.median_ms, "sd": None, "n": 1}
    assert {row["params"] for row in students} == {None}


@pytest.mark.parametrize(
    ("query", "field"), [({"format": "docx"}, "format"), ({"baseline": "pkd"}, "baseline")]
)
def test_an_unknown_format_or_baseline_is_refused(
    api: "TestClient", submit: "Submit", query: dict[str, str], field: str
) -> None:
    answer = api.get(f"/api/v1/experiments/{submit()}/report", params=query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
