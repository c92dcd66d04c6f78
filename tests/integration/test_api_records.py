"""A record of an experiment leaves one service and says the same in another."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import COCO_METRICS, EvaluationEvent, MetricEvent
from service.db import ledger
from service.db.models import Artifact, Experiment, Job
from service.db.states import AttemptState
from tests.fixtures.absent_stores import BreakStore, says_unavailable

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
SEARCHED = {"name": "frs", "search": {"parameter": "weight", "values": [1, 2]}}
DATASET = {"format": "synthetic", "test": "test"}


def events(ap: float) -> list[Any]:
    evaluations = [
        EvaluationEvent(
            time=1.0,
            split=split,
            step=10,
            epoch=1,
            evaluator="evaluator 1",
            dataset_hash="d" * 64,
            num_images=2,
            num_boxes=3,
            metrics={**dict.fromkeys(COCO_METRICS, ap), "ap_s": None},
            per_class={"cell": {"ap": ap, "num_boxes": 3}},
        )
        for split in ("val", "test")
    ]
    return [
        MetricEvent(time=1.0, step=1, values={"train/loss": 1 / 3, "train/lr": 0.1}),
        MetricEvent(time=2.0, step=2, values={"train/loss": None}, nonfinite={"train/loss": "nan"}),
        *evaluations,
    ]


@pytest.fixture
def finished(hand: "Hand", submit: "Submit", sessions: Sessions, stored_artifact: "Store") -> str:
    """A teacher, a search of two values, one of which diverged, and what is judged for two seeds."""
    experiment_id = submit(methods=["none", SEARCHED], seeds=[0, 1], dataset=DATASET)
    for number in range(7):
        lease = hand.take()
        with sessions.begin() as session:
            ledger.record(session, lease, events(0.1 + number / 30))
        if hand.job(lease.job_id).role == "student":
            stored_artifact(lease)
        diverged = {"state": AttemptState.FAILED, "code": "nonfinite_loss", "reason": "the loss became nan"}
        hand.finish(lease, **(diverged if number == 2 else {}))
    assert hand.claim() is None
    return experiment_id


def parcel(api: "TestClient", experiment_id: str) -> tuple[dict[str, Any], list[bytes]]:
    record = api.get(f"/api/v1/experiments/{experiment_id}/record").json()
    contents = []
    for job in record["jobs"]:
        listed = api.get(f"/api/v1/jobs/{job['id']}/artifacts").json()["items"] if job["files"] else []
        contents += [api.get(item["download"]).content for item in listed]
    return record, contents


def send(api: "TestClient", record: Any, contents: list[bytes]) -> Any:
    text = record if isinstance(record, str) else json.dumps(record)
    files = [("record", (None, text.encode())), *(("files", ("x", content)) for content in contents)]
    return api.post("/api/v1/experiments/import", files=files)


def comparison(api: "TestClient", experiment_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/experiments/{experiment_id}/comparison").json()
    return {key: value for key, value in found.items() if key != "experiment"}


def count(sessions: Sessions, table: Any) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_is_taken_in_compares_as_what_was_recorded(api: "TestClient", finished: str) -> None:
    record, contents = parcel(api, finished)
    answer = send(api, record, contents)
    assert answer.status_code == 201, answer.text
    imported = answer.json()
    assert imported["id"] != finished
    assert comparison(api, imported["id"]) == comparison(api, finished)
    search = comparison(api, finished)["rows"][2]["search"]
    assert [trial["ap"] for trial in search["tried"]] == [0.1 + 1 / 30, None]


def test_it_says_that_it_was_imported_and_all_else_is_as_it_was(api: "TestClient", finished: str) -> None:
    imported = send(api, *parcel(api, finished)).json()
    assert [notice["code"] for notice in imported["warnings"]] == ["imported"]
    assert finished in imported["warnings"][0]["message"]
    again, contents = parcel(api, imported["id"])
    first, _ = parcel(api, finished)
    assert len(contents) == 4
    for ours, theirs in zip(again["jobs"], first["jobs"], strict=True):
        apart = {"id", "checkpoints", "environment", "search"}
        assert {key: value for key, value in ours.items() if key not in apart} == {
            key: value for key, value in theirs.items() if key not in apart
        }
    loss = again["jobs"][0]["metrics"]["train/loss"]
    assert loss == {"steps": [1, 2], "values": [1 / 3, None], "nonfinite": {"2": "nan"}}


def test_what_was_imported_is_not_extended_for_its_weights_are_not_here(
    api: "TestClient", finished: str
) -> None:
    imported = send(api, *parcel(api, finished)).json()
    answer = api.post(f"/api/v1/experiments/{imported['id']}/extend", json={"seeds": [7]})
    assert answer.status_code == 409
    assert "Clone it instead" in answer.json()["detail"]
    assert len(api.get(f"/api/v1/experiments/{imported['id']}").json()["jobs"]) == len(imported["jobs"])


def test_the_same_record_is_taken_in_once(api: "TestClient", finished: str, sessions: Sessions) -> None:
    record, contents = parcel(api, finished)
    first = send(api, record, contents)
    second = send(api, record, contents)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert count(sessions, Experiment) == 2


def test_a_missing_or_changed_file_is_refused_and_nothing_is_written(
    api: "TestClient", finished: str, sessions: Sessions, tmp_path: Path
) -> None:
    record, contents = parcel(api, finished)
    before = count(sessions, Job), count(sessions, Artifact), len(list(tmp_path.rglob("*")))
    for sent in (contents[1:], [contents[0] + b"x", *contents[1:]]):
        answer = send(api, record, sent)
        assert answer.status_code == 422
        assert "predictions_test.json of none" in answer.json()["errors"][0]["message"]
    assert (count(sessions, Job), count(sessions, Artifact), len(list(tmp_path.rglob("*")))) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda record: record["experiment"].update(format=2), "record.experiment.format"),
        (lambda record: record["experiment"]["spec"].update(seeds=[]), "record.experiment.spec.seeds"),
        (lambda record: record["jobs"][0].update(state="running"), "record.jobs.0.state"),
        (lambda record: record["jobs"][0].update(id="../../etc"), "record.jobs.0.id"),
        (lambda record: record["jobs"][3]["files"][0].update(name="../x"), "record.jobs.3.files.0.name"),
        (lambda record: record["jobs"][0].update(unknown=1), "record.jobs.0.unknown"),
        (lambda record: record["jobs"][0].update(label="<b>"), "record.jobs.0.label"),
        (lambda record: record.update(jobs=[]), "record.jobs"),
    ],
)
def test_a_faulty_record_names_the_place(
    api: "TestClient", finished: str, sessions: Sessions, change: Any, field: str
) -> None:
    record, contents = parcel(api, finished)
    change(record)
    answer = send(api, record, contents)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert count(sessions, Experiment) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"experiment": 1e999}', "\x00"])
def test_what_is_no_record_is_refused(api: "TestClient", text: str) -> None:
    assert send(api, text, []).status_code == 422


def test_what_is_no_form_is_refused(api: "TestClient") -> None:
    assert api.post("/api/v1/experiments/import", json={}).status_code == 415


def test_an_experiment_of_which_nothing_has_ended_has_no_record(api: "TestClient", submit: "Submit") -> None:
    answer = api.get(f"/api/v1/experiments/{submit()}/record")
    assert answer.status_code == 409
    assert "nothing to record" in answer.json()["detail"]


def test_an_unfinished_experiment_says_how_much_of_it_there_is(
    api: "TestClient", hand: "Hand", submit: "Submit"
) -> None:
    experiment_id = submit(seeds=[0, 1])
    hand.finish(hand.take())
    imported = send(api, *parcel(api, experiment_id)).json()
    assert "1 of its 5 jobs" in imported["warnings"][0]["message"]


def test_without_the_store_a_record_is_told_to_come_again(
    api: "TestClient", finished: str, sessions: Sessions, break_store: BreakStore
) -> None:
    sent = parcel(api, finished)
    known = count(sessions, Experiment)
    break_store()
    assert says_unavailable(send(api, *sent))
    assert count(sessions, Experiment) == known
