"""`frs record` and `frs import`."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from frs_core.spec import ExperimentSpec, expand

Make = Callable[..., Any]
DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18}
CONTENT = b"[]"


@pytest.fixture
def recorded(server: Any, make_experiment: Make) -> dict[str, Any]:
    """What the server records: a teacher with its predictions."""
    spec = ExperimentSpec.model_validate(
        {
            "name": "cells",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "teacher": {"detector": DETECTOR},
            "student": {"detector": DETECTOR},
            "methods": ["none"],
        }
    )
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    job = {
        "id": "j" * 16,
        "position": 0,
        "role": "teacher",
        "label": "teacher",
        "spec": expand(spec)[0].spec.model_dump(mode="json"),
        "job_key": "0" * 64,
        "state": "succeeded",
        **dict.fromkeys(("step", "total_steps", "epoch", "total_epochs", "num_attempts"), 1),
        "metrics": {"val/ap": {"steps": [1], "values": [1 / 3]}},
        "files": [
            {"name": "predictions_val.json", "media_type": "x", "sha256": sha256, "size_bytes": len(CONTENT)}
        ],
    }
    experiment = {"id": "e" * 16, "spec": spec.model_dump(mode="json"), "created_at": "2026-01-02T03:04:05Z"}
    server.answers["GET /experiments/e1"] = make_experiment("succeeded", id="e1")
    server.answers["GET /experiments/e1/record"] = {"experiment": experiment, "jobs": [job]}
    file = {**job["files"][0], "id": "f", "download": "/api/v1/files/f"}
    server.answers[f"GET /jobs/{'j' * 16}/artifacts"] = {"items": [file]}
    server.answers["GET /files/f"] = httpx.Response(200, content=CONTENT)
    server.answers["POST /experiments/import"] = make_experiment("succeeded", id="n1234567890")
    return job


@pytest.mark.usefixtures("recorded")
def test_a_record_is_written_once_and_added_to(run: Make, tmp_path: Path) -> None:
    first = json.loads(run("record", "e1", "--out", tmp_path / "out", "--json").out)
    assert first["written"] == [
        "experiment.json",
        "000-teacher/predictions_val.json.gz",
        "000-teacher/metrics.json.gz",
        "000-teacher/job.json",
    ]
    bytes_before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    second = json.loads(run("record", "e1", "--out", tmp_path / "out", "--json").out)
    assert second["written"] == []
    assert {path: path.read_bytes() for path in bytes_before} == bytes_before
    metrics = json.loads(gzip.decompress((tmp_path / "out/000-teacher/metrics.json.gz").read_bytes()))
    assert metrics["val/ap"]["values"] == [1 / 3]


@pytest.mark.usefixtures("recorded")
def test_what_was_written_is_sent_whole(server: Any, run: Make, tmp_path: Path) -> None:
    run("record", "e1", "--out", tmp_path / "out")
    result = run("import", tmp_path / "out")
    assert result.code == 0, result.err
    assert "n1234567" in result.out
    body = server.requests[-1].content
    assert CONTENT in body
    assert b'"val/ap": {' in body


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("000-teacher/predictions_val.json.gz", None, "cannot read"),
        ("000-teacher/predictions_val.json.gz", b"not packed", "cannot read"),
        ("000-teacher/predictions_val.json.gz", gzip.compress(b"[1]", mtime=0), "was changed since"),
        ("000-teacher/metrics.json.gz", None, "cannot read"),
        ("000-teacher/job.json", b"{", "is not JSON"),
        ("000-teacher/job.json", b"[]", "no JSON object"),
        ("experiment.json", None, "cannot read"),
    ],
)
def test_a_folder_that_is_no_record_is_refused_by_name(
    server: Any, run: Make, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    run("record", "e1", "--out", tmp_path / "out")
    path = tmp_path / "out" / name
    path.unlink() if content is None else path.write_bytes(content)
    asked = len(server.requests)
    result = run("import", tmp_path / "out")
    assert result.code == 2
    assert words in result.err.replace("\n", " ")
    assert len(server.requests) == asked
