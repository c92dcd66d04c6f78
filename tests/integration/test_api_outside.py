"""Predictions and checkpoints from outside over REST: what is queued, and what is refused in which words."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import COCO_METRICS, EvaluationEvent
from frs_core.spec import read_spec
from service.artifacts import open_store
from service.db import ledger
from service.db.models import Event, Experiment
from service.settings import Settings
from tests.fixtures.absent_stores import BreakStore, says_unavailable
from tests.fixtures.server import AS_ADMIN
from workers.workdir import prepare, reserved

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Body

Call = Callable[..., Any]
Sessions = sessionmaker[Session]
GOOD = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def made(api: "TestClient", experiment_body: "Body") -> str:
    """The id of an experiment none of whose jobs has run."""
    answer = api.post("/api/v1/experiments", json=experiment_body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def send(api: "TestClient", made: str) -> Call:
    def send(content: Any = GOOD, key: str | None = None, **fields: str) -> Any:
        """Post a file of predictions; bytes as they are, None for no file."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        files = [(name, (None, value.encode())) for name, value in fields.items()]
        if content is not None:
            files.append(("predictions", ("any.json", raw)))  # type: ignore[arg-type]
        headers = {} if key is None else {"Idempotency-Key": key}
        return api.post(f"/api/v1/experiments/{made}/external", files=files, headers=headers)

    return send


def faults(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(item["field"], item["message"]) for item in answer.json()["errors"]]


def test_predictions_become_a_job_whose_worker_gets_the_file(
    api: "TestClient",
    send: Call,
    made: str,
    hand: "Hand",
    settings: Settings,
    sessions: Sessions,
    tmp_path: "Path",
) -> None:
    answer = send(label="theirs", note="sent  by\nAnn")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert {name: job[name] for name in ("kind", "role", "label", "state", "experiment_id")} == {
        "kind": "score", "role": "external", "label": "theirs", "state": "queued", "experiment_id": made,
    }  # fmt: skip
    assert job["spec"]["note"] == "sent by Ann"
    claim = hand.claim()
    assert claim is not None
    assert claim.lease.job_id == job["id"]
    with reserved(tmp_path / "work", claim.lease) as path:
        prepare(path, claim, open_store(settings.resolved_artifacts_url))
        spec = read_spec(yaml.safe_load((path / "job.yaml").read_text()))
        with open(spec.predictions) as file:  # type: ignore[union-attr]  # noqa: PTH123
            assert json.load(file) == GOOD
    found = api.get(f"/api/v1/experiments/{made}").json()
    assert (found["num_jobs"], len(found["jobs"])) == (3, 4)
    with sessions() as session:
        [message] = session.scalars(select(Event.message).where(Event.kind == "experiment.outside"))
    assert message == "small: theirs was added from outside"


def test_a_repeat_with_the_same_key_adds_nothing(api: "TestClient", send: Call, settings: Settings) -> None:
    first, second = send(label="theirs", key="k"), send(label="theirs", key="k")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(list((settings.data_dir / "artifacts").rglob("*.json"))) == 1


def test_a_checkpoint_becomes_an_evaluation_of_the_student_or_of_its_own_detector(
    api: "TestClient", made: str, experiment_body: "Body"
) -> None:
    checkpoint = "https://download.pytorch.org/a/x-0123abcd.pth"
    url = f"/api/v1/experiments/{made}/external"
    job = api.post(url, json={"label": "theirs", "checkpoint": checkpoint}).json()
    assert (job["kind"], job["role"], job["spec"]["checkpoint"]) == ("evaluate", "external", checkpoint)
    assert job["spec"]["detector"] == experiment_body["student"]["detector"]
    wider = {**experiment_body["student"]["detector"], "fpn_channels": 64}
    answer = api.post(url, json={"label": "wider", "checkpoint": checkpoint, "detector": wider})
    assert answer.status_code == 202, answer.text
    assert answer.json()["spec"]["detector"]["fpn_channels"] == 64


@pytest.mark.parametrize(
    ("content", "fields", "field", "word"),
    [
        (GOOD, {}, "label", "required"),
        (GOOD, {"label": ""}, "label", "at least 1"),
        (GOOD, {"label": "<b>"}, "label", "letters"),
        (GOOD, {"label": "x" * 121}, "label", "120"),
        (GOOD, {"label": "frs"}, "label", "there is a row 'frs' already"),
        (GOOD, {"label": "teacher"}, "label", "there is a row"),
        (GOOD, {"label": "x", "note": " "}, "note", "line of text"),
        (GOOD, {"label": "x", "note": "a\0b"}, "note", "cannot be shown"),
        (GOOD, {"label": "x", "checkpoint": "zoo"}, "checkpoint", "unknown key"),
        (None, {"label": "x"}, "predictions", "absent"),
        (b"", {"label": "x"}, "predictions", "not JSON"),
        (b"{", {"label": "x"}, "predictions", "not JSON"),
        (b"\xff\xfe", {"label": "x"}, "predictions", "not JSON"),
        (b"[" * 100_000, {"label": "x"}, "predictions", "not JSON"),
        (b"1" * 10_000, {"label": "x"}, "predictions", "not JSON"),
        (b"null", {"label": "x"}, "predictions", "list of"),
        (b"3", {"label": "x"}, "predictions", "list of"),
        (b'{"images": []}', {"label": "x"}, "predictions", "list of"),
    ],
)
def test_faulty_predictions_are_refused_with_the_field_and_nothing_stays(
    api: "TestClient",
    send: Call,
    made: str,
    settings: Settings,
    content: Any,
    fields: Any,
    field: str,
    word: str,
) -> None:
    [(found, message)] = faults(send(content, **fields))
    assert found == field
    assert word in message
    assert len(api.get(f"/api/v1/experiments/{made}").json()["jobs"]) == 3
    assert not list((settings.data_dir / "artifacts").rglob("*.json"))


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({"label": "x"}, "checkpoint", "required"),
        ({"label": "x", "checkpoint": ""}, "checkpoint", "at least 1"),
        ({"label": "x", "checkpoint": "w.pth"}, "checkpoint", "absolute path"),
        ({"label": "x", "checkpoint": "/nowhere/w.pth"}, "checkpoint", "no such file"),
        ({"label": "x", "checkpoint": "/etc/passwd"}, "checkpoint", ".pth"),
        ({"label": "x", "checkpoint": "0" * 16}, "checkpoint", "not stored here"),
        ({"label": "x", "checkpoint": "https://example.org/a.pth"}, "checkpoint", "WEIGHTS_HOSTS"),
        ({"label": "x", "checkpoint": "zoo"}, "checkpoint", "leave out"),
        ({"label": "x", "checkpoint": "zoo", "detector": {"zoo": "nonesuch"}}, "detector.zoo", "nonesuch"),
        ({"label": "x", "checkpoint": "zoo", "detector": 3}, "detector", ""),
        ({"label": "x", "checkpoint": "zoo", "note": "y"}, "note", "unknown key"),
        ({"label": "none", "checkpoint": "https://download.pytorch.org/a/x-0123abcd.pth"}, "label", "row"),
        ({"label": "a\ud800", "checkpoint": "zoo"}, "label", "string"),
    ],
)
def test_a_faulty_checkpoint_is_refused_with_the_field(
    api: "TestClient", made: str, body: Any, field: str, word: str
) -> None:
    answer = api.post(
        f"/api/v1/experiments/{made}/external",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    [(found, message), *_] = faults(answer)
    assert found == field
    assert word in message
    assert len(api.get(f"/api/v1/experiments/{made}").json()["jobs"]) == 3


def test_a_field_given_twice_another_media_type_and_a_broken_form_are_refused(
    api: "TestClient", made: str
) -> None:
    url = f"/api/v1/experiments/{made}/external"
    files = [("predictions", ("a", b"[]")), ("predictions", ("b", b"[]")), ("label", (None, b"x"))]
    assert faults(api.post(url, files=files))[0][0] == "predictions"
    assert api.post(url, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.post(url, content=b"--y", headers=broken).status_code == 400
    assert api.post(url, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert api.post("/api/v1/experiments/nope/external", json={}).status_code == 422
    for part in ("external", "cited"):
        assert faults(api.delete(f"/api/v1/experiments/{made}/{part}/a%00b"))[0][0] == "label"
    body = {"label": "x", "checkpoint": "zoo"}
    assert api.post("/api/v1/experiments/nope/external", json=body).status_code == 404


def test_a_file_may_be_as_large_as_an_upload_and_no_larger(settings: Settings, made: str) -> None:
    from fastapi.testclient import TestClient

    from service.api.app import create_app

    changed = settings.model_copy(update={"max_upload_bytes": 5000, "max_request_bytes": 1000})
    with TestClient(create_app(changed), headers=AS_ADMIN) as client:
        url = f"/api/v1/experiments/{made}/external"
        for size, status in ((2000, 202), (6000, 413)):
            files = [("label", (None, b"x")), ("predictions", ("a", b"[]" + b" " * size))]
            assert client.post(url, files=files).status_code == status


def test_what_was_imported_without_its_data_is_not_judged(
    api: "TestClient", send: Call, made: str, sessions: Sessions
) -> None:
    with sessions.begin() as session:
        experiment = session.get_one(Experiment, made)
        dataset = {"format": "voc", "root": "cells", "train": "train", "val": "val"}
        experiment.spec = {**experiment.spec, "dataset": dataset}
    answer = send(label="x")
    assert answer.status_code == 409
    assert "was imported" in answer.json()["detail"]


def test_an_external_row_is_removed_with_its_file(
    api: "TestClient", send: Call, made: str, settings: Settings
) -> None:
    send(label="a/b")
    url = f"/api/v1/experiments/{made}/external/a%2Fb"
    assert api.delete(url).status_code == 204
    assert not list((settings.data_dir / "artifacts").rglob("*.json"))
    answer = api.delete(url)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert send(label="a/b").status_code == 202


def test_a_row_that_is_being_judged_is_not_removed(
    api: "TestClient", send: Call, made: str, hand: "Hand"
) -> None:
    send(label="theirs")
    hand.take()
    answer = api.delete(f"/api/v1/experiments/{made}/external/theirs")
    assert answer.status_code == 409
    assert "cancel job" in answer.json()["detail"]


def test_a_method_of_an_extension_cannot_be_called_as_a_row_from_outside(
    api: "TestClient", send: Call, made: str
) -> None:
    send(label="pkd")
    api.post(
        f"/api/v1/experiments/{made}/cited", json={"label": "mgd", "metrics": {"ap": 0.4}, "source": "x"}
    )
    url = f"/api/v1/experiments/{made}/extend"
    for method in ("pkd", "mgd"):
        [(field, message)] = faults(api.post(url, json={"methods": ["fitnet", method]}))
        assert field == "methods.1.label"
        assert "from outside" in message


def test_a_row_from_outside_is_no_baseline(
    api: "TestClient", send: Call, made: str, hand: "Hand", sessions: Sessions
) -> None:
    send(label="theirs")
    lease = hand.take()
    event = EvaluationEvent(
        time=1.0, split="test", step=0, epoch=0, evaluator="x", dataset_hash="0" * 64, num_images=2,
        num_boxes=3, metrics=dict.fromkeys(COCO_METRICS, 0.5),
    )  # fmt: skip
    with sessions.begin() as session:
        ledger.record(session, lease, [event])
    hand.finish(lease)
    url = f"/api/v1/experiments/{made}/comparison"
    [theirs] = [row for row in api.get(url).json()["rows"] if row["label"] == "theirs"]
    assert (theirs["source"], theirs["metrics"]["ap"]["mean"]) == ("external", 0.5)
    assert faults(api.get(url, params={"baseline": "theirs"}))[0][0] == "baseline"
    page = api.get(f"/experiments/{made}").text
    assert "theirs†" in page


def test_without_the_store_predictions_are_told_to_come_again(send: Call, break_store: BreakStore) -> None:
    break_store()
    assert says_unavailable(send(label="theirs"))
