"""`frs predict`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]

DOCUMENT = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 4, "height": 4},
        {"id": 2, "file_name": "b[x].png", "width": 4, "height": 4},
    ],
    "categories": [{"id": 1, "name": "RBC"}, {"id": 2, "name": "WBC"}],
    "annotations": [{"image_id": 1, "category_id": 1}] * 3 + [{"image_id": 1, "category_id": 2}],
}


def artifact(name: str) -> dict[str, Any]:
    download = f"/api/v1/artifacts/{name.replace('/', '-')}/download"
    fields = {"media_type": "x", "sha256": "0", "size_bytes": 1}
    return {"id": name, "name": name, "download": download, **fields}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.JPG").write_bytes(b"two")
    (tmp_path / "folder" / "notes.txt").write_bytes(b"no")
    (tmp_path / "a.png").write_bytes(b"one")
    return [tmp_path / "a.png", tmp_path / "folder"]


@pytest.fixture(autouse=True)
def trained(server: Any, make_job: Make) -> None:
    server.answers["GET /jobs/j1"] = make_job("succeeded", id="j1")


@pytest.fixture
def done(server: Any, make_job: Make) -> Any:
    """A server whose prediction waits, then succeeds."""
    job = make_job("queued", id="p1234567890", kind="predict")
    server.answers["POST /jobs/j1/predict"] = httpx.Response(202, json=job)
    server.answers["GET /jobs/p1234567890"] = [job, {**job, "state": "succeeded"}]
    names = ["drawn/a.jpg", "drawn/../../evil.jpg", "inputs/0001.png", "predictions.json"]
    server.answers["GET /jobs/p1234567890/artifacts"] = {"items": [artifact(name) for name in names]}
    server.answers["GET /artifacts/predictions.json/download"] = DOCUMENT
    for name in names[:2]:
        path = f"GET /artifacts/{name.replace('/', '-')}/download"
        server.answers[path] = httpx.Response(200, content=b"jpeg")
    return server


def test_pictures_are_sent_and_results_written(
    done: Any, run: Make, pictures: list[Path], tmp_path: Path
) -> None:
    result = run("predict", "j1", *pictures, "--out", tmp_path / "out", "--score", "0.5")
    assert result.code == 0, result.err
    sent = done.changes[0].content
    assert [sent.count(word) for word in (b"one", b"two", b"0.5", b"notes")] == [1, 1, 1, 0]
    assert done.changes[0].headers["idempotency-key"]
    assert json.loads((tmp_path / "out" / "predictions.json").read_text()) == DOCUMENT
    written = {path.name for path in (tmp_path / "out" / "drawn").iterdir()}
    assert written == {"a.jpg"}
    assert [line.split() for line in result.out.splitlines()] == [
        ["picture", "boxes", "RBC", "WBC"],
        ["a.png", "4", "3", "1"],
        ["b[x].png", "0", "\u2013", "\u2013"],
    ]
    assert "waiting for a free worker" in result.err


def test_json_holds_the_document_and_the_folder(
    done: Any, run: Make, pictures: list[Path], tmp_path: Path
) -> None:
    answer = json.loads(run("predict", "j1", *pictures, "--out", tmp_path / "out", "--json").out)
    assert (answer["state"], answer["predictions"]) == ("succeeded", DOCUMENT)


def test_a_prediction_that_failed_says_why(
    server: Any, run: Make, make_job: Make, pictures: list[Path]
) -> None:
    job = make_job("failed", id="p1", reason="a.png does not decode")
    server.answers["POST /jobs/j1/predict"] = job
    server.answers["GET /jobs/p1"] = job
    result = run("predict", "j1", *pictures)
    assert result.code == 1
    assert "a.png does not decode" in result.err


def test_refusals_and_bad_usage_have_their_codes(
    server: Any, run: Make, make_problem: Make, pictures: list[Path], tmp_path: Path
) -> None:
    server.answers["POST /jobs/j1/predict"] = make_problem(409, "job j1 has no weights: it is queued")
    result = run("predict", "j1", *pictures)
    assert result.code == 4
    assert "no weights" in result.err
    assert run("predict", "j1", tmp_path / "absent.png").code == 2
    (tmp_path / "empty").mkdir()
    assert run("predict", "j1", tmp_path / "empty").code == 2
    assert run("predict", "j1", *pictures, "--runtime", "tensorrt").code == 2
