"""Asking for boxes in pictures: what is queued, what is refused, what the worker is handed."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from PIL import Image
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import read_spec
from service.artifacts import local, open_store
from service.db.models import Checkpoint
from service.settings import Settings
from tests.fixtures.absent_stores import BreakStore, says_unavailable
from tests.fixtures.server import AS_ADMIN
from workers.workdir import prepare, reserved

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.server import Store
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
Ask = Callable[..., Any]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def picture(width: int = 20, height: int = 10) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), (90, 20, 20)).save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def trained(hand: "Hand", submit: "Submit", stored_checkpoint: "Store", sessions: Sessions) -> str:
    """The id of an experiment's teacher that has trained; students wait behind it in the queue."""
    submit()
    lease = hand.take()
    stored_checkpoint(lease)
    with sessions.begin() as session:
        session.execute(update(Checkpoint).values(details={"classes": ["red", "white"]}))
    hand.finish(lease)
    return lease.job_id


@pytest.fixture
def ask(api: "TestClient", trained: str) -> Ask:
    def ask(*pictures: tuple[str, bytes], **fields: Any) -> Any:
        files = [("images", (name, content, "image/png")) for name, content in pictures]
        return api.post(f"/api/v1/jobs/{trained}/predict", data=fields, files=files or None)

    return ask


def test_uploaded_pictures_reach_the_worker_before_any_training(
    api: "TestClient", hand: "Hand", ask: Ask, trained: str, settings: Settings, tmp_path: Path
) -> None:
    content = picture()
    answer = ask(("../../cells.png", content), ("cells.png", picture(8, 8)), score_threshold="0.55")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["kind"], job["experiment_id"], job["state"]) == ("predict", None, "queued")
    assert job["spec"]["classes"] == ["red", "white"]
    assert [item["name"] for item in job["spec"]["pictures"]] == ["cells.png", "cells.png"]

    claim = hand.claim()
    assert claim is not None
    assert claim.lease.job_id == job["id"]
    store = open_store(settings.resolved_artifacts_url)
    with reserved(tmp_path / "work", claim.lease) as path:
        prepare(path, claim, store)
        spec = read_spec(yaml.safe_load((path / "job.yaml").read_text()))
        assert Path(spec.pictures[0].file).read_bytes() == content
        assert Path(spec.checkpoint).is_file()
        assert spec.score_threshold == 0.55
    names = [item["name"] for item in api.get(f"/api/v1/jobs/{job['id']}/artifacts").json()["items"]]
    assert names == ["inputs/0001.png", "inputs/0002.png"]


def test_a_prediction_is_no_part_of_its_experiment(api: "TestClient", ask: Ask) -> None:
    [before] = api.get("/api/v1/experiments").json()["items"]
    assert ask(("a.png", picture())).status_code == 202
    [after] = api.get("/api/v1/experiments").json()["items"]
    assert after == before


def test_a_repeat_with_its_key_makes_no_second_job_and_stores_nothing(
    api: "TestClient", ask: Ask, trained: str, settings: Settings
) -> None:
    def post(content: bytes) -> Any:
        return api.post(
            f"/api/v1/jobs/{trained}/predict",
            files=[("images", ("a.png", content))],
            headers={"Idempotency-Key": "k"},
        )

    first, second = post(picture()), post(picture())
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json()["id"] == first.json()["id"]
    assert post(picture(30, 30)).status_code == 422
    stored = list((settings.data_dir / "artifacts").rglob("*.png"))
    assert len(stored) == 1


@pytest.mark.parametrize("by_form", [False, True])
def test_a_folder_on_the_server_is_named_instead(
    api: "TestClient", trained: str, tmp_path: Path, by_form: bool
) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(picture())
    body = {"path": str(tmp_path / "pictures")}
    sent: dict[str, Any] = (
        {"files": {key: (None, value) for key, value in body.items()}} if by_form else {"json": body}
    )
    answer = api.post(f"/api/v1/jobs/{trained}/predict", **sent)
    assert answer.status_code == 202, answer.text
    assert answer.json()["spec"]["path"] == body["path"]


@pytest.mark.parametrize(
    ("pictures", "fields", "field", "word"),
    [
        ([], {"score_threshold": "0.5"}, "images", "one of the two"),
        ([("a.png", b"nonsense")], {}, "images.0", "does not decode"),
        ([("a.png", None), ("b.png", b"")], {}, "images.1", "b.png does not decode"),
        ([("a.png", None)], {"score_threshold": "1.5"}, "score_threshold", "less than or equal to 1"),
        ([("a.png", None)], {"runtime": "tensorrt"}, "runtime", "'torch' or 'onnx'"),
        ([("a.png", None)], {"scores": "1"}, "scores", "unknown key"),
        ([("a.png", None)], {"path": "/tmp"}, "images", "one of the two"),
        ([("a.png", None)] * 101, {}, "images", "at most 100"),
    ],
)
def test_bad_requests_name_the_field_and_queue_nothing(
    api: "TestClient",
    ask: Ask,
    pictures: Any,
    fields: dict[str, str],
    field: str,
    word: str,
    settings: Settings,
) -> None:
    good = picture()
    answer = ask(*((name, good if content is None else content) for name, content in pictures),
                 **(fields or {"score_threshold": "0.5"}))  # fmt: skip
    assert answer.status_code in (415, 422), answer.text
    if answer.status_code == 422:
        assert answer.json()["errors"][0]["field"] == field
        assert word in answer.json()["errors"][0]["message"]
    assert not [job for job in api.get("/api/v1/jobs").json()["items"] if job["kind"] == "predict"]
    assert not list((settings.data_dir / "artifacts").rglob("*.png"))


@pytest.mark.parametrize(
    ("path", "word"),
    [("relative", "absolute"), ("/nowhere/at/all", "nothing at"), ("/etc/hostname", "does not decode")],
)
def test_a_path_that_holds_no_pictures_is_refused(
    api: "TestClient", trained: str, path: str, word: str
) -> None:
    answer = api.post(f"/api/v1/jobs/{trained}/predict", json={"path": path})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "path"
    assert word in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("visible", [True, False])
def test_pictures_lie_where_data_may(settings: Settings, trained: str, tmp_path: Path, visible: bool) -> None:
    from fastapi.testclient import TestClient

    from service.api.app import create_app

    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
        (folder / "a.png").write_bytes(picture())
    limited = settings.model_copy(update={"dataset_roots": (allowed,), "datasets_visible": visible})
    with TestClient(create_app(limited), headers=AS_ADMIN) as client:
        url = f"/api/v1/jobs/{trained}/predict"
        assert client.post(url, json={"path": str(allowed)}).status_code == 202
        (allowed / "out").symlink_to(other)
        seen_alone = [allowed / "out", allowed] if visible else []
        for place in (other, other / "a.png", allowed / ".." / "other", other / "absent", *seen_alone):
            answer = client.post(url, json={"path": str(place)})
            assert answer.status_code == 422, place
            [error] = answer.json()["errors"]
            assert (error["field"], error["value"]) == ("path", str(place))
            assert "FRS_DATASET_ROOTS" in error["message"]


def test_a_file_that_is_too_large_is_not_read(api: "TestClient", trained: str, tmp_path: Path) -> None:
    with (tmp_path / "archive.tar").open("wb") as file:
        file.truncate(10**12)
    answer = api.post(f"/api/v1/jobs/{trained}/predict", json={"path": str(tmp_path / "archive.tar")})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "path"
    assert "give a picture of at most" in error["message"]


def test_a_job_that_cannot_be_asked_says_why(
    api: "TestClient", ask: Ask, submit: "Submit", trained: str
) -> None:
    files = {"images": ("a.png", picture())}
    assert api.post("/api/v1/jobs/nope/predict", files=files).status_code == 404
    untrained = next(job for job in api.get("/api/v1/jobs").json()["items"] if job["state"] == "queued")
    answer = api.post(f"/api/v1/jobs/{untrained['id']}/predict", files=files)
    assert answer.status_code == 409
    assert "has no weights: it is queued" in answer.json()["detail"]
    answer = ask(("a.png", picture()), runtime="onnx")
    assert answer.status_code == 409
    assert "no model.onnx: give runtime torch" in answer.json()["detail"]


def test_a_body_beyond_the_limit_for_pictures_is_refused(settings: Settings, trained: str) -> None:
    from fastapi.testclient import TestClient

    from service.api.app import create_app

    changed = settings.model_copy(update={"max_upload_bytes": 2000, "max_request_bytes": 1000})
    with TestClient(create_app(changed), headers=AS_ADMIN) as client:
        url = f"/api/v1/jobs/{trained}/predict"
        assert client.post(url, files={"images": ("a.png", picture() + b"\0" * 1200)}).status_code == 202
        answer = client.post(url, files={"images": ("a.png", b"\0" * 2001)})
        assert answer.status_code == 413
        assert "FRS_MAX_UPLOAD_BYTES" in answer.json()["detail"]
        assert client.post("/api/v1/jobs", content=b" " * 1001).status_code == 413


def test_stored_weights_that_were_deleted_fail_the_job_with_the_reason(
    ask: Ask, hand: "Hand", sessions: Sessions
) -> None:
    job_id = ask(("a.png", picture())).json()["id"]
    with sessions.begin() as session:
        session.query(Checkpoint).delete()
    assert hand.claim() is None
    job = hand.job(job_id)
    assert (job.state, job.reason_code) == ("failed", "invalid_checkpoint")


def test_without_the_store_pictures_are_told_to_come_again(ask: Ask, break_store: BreakStore) -> None:
    break_store()
    assert says_unavailable(ask(("a.png", picture())))


def test_where_one_picture_was_stored_and_cannot_be_removed_the_first_fault_is_told(
    ask: Ask, break_store: BreakStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_store("delete", error=OSError("and this is another"))
    put, count = local.Store.put, itertools.count()

    def once(*args: Any) -> str:
        if next(count):
            raise OSError("no space left")
        return put(*args)

    monkeypatch.setattr(local.Store, "put", once)
    assert says_unavailable(ask(("a.png", picture()), ("b.png", picture())))
    assert next(count) == 2
