"""`frs export`: one folder that mmdet loads."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]


@pytest.fixture
def trained(server: Any, make_experiment: Make, make_job: Make) -> Any:
    """An experiment of three jobs, of which `frs` has a detector."""

    def file(place: str, **fields: Any) -> dict[str, Any]:
        content = f"of {place}".encode()
        server.answers[f"GET /files/{place}"] = httpx.Response(200, content=content)
        sha256 = hashlib.sha256(content).hexdigest()
        return {
            "id": place,
            "sha256": sha256,
            "size_bytes": 1,
            "download": f"/api/v1/files/{place}",
            **fields,
        }

    rows = [("teacher", "teacher"), ("none", "student"), ("frs", "student")]
    jobs = [make_job("succeeded", label, role=role, id=f"{label}-4567890") for label, role in rows]
    server.answers["GET /experiments/e1234567890"] = make_experiment("succeeded", *jobs)
    server.answers["GET /jobs/frs-4567890"] = jobs[2]
    server.answers["GET /jobs/none-4567890"] = {**jobs[1], "state": "running"}
    server.answers["GET /jobs/frs-4567890/checkpoints"] = {
        "items": [file("export", kind="export", step=2), file("state", kind="state", step=2)]
    }
    names = ["export_config.py", "model_card.md", "model.onnx", "onnx.json", "predictions_val.json"]
    server.answers["GET /jobs/frs-4567890/artifacts"] = {
        "items": [file(name, name=name, media_type="x") for name in names]
    }
    for kind in ("checkpoints", "artifacts"):
        server.answers[f"GET /jobs/none-4567890/{kind}"] = {"items": []}
    return server


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("trained")
def test_a_job_or_a_row_of_an_experiment_gives_detector_and_config(run: Make, tmp_path: Path) -> None:
    result = run("export", "frs-4567890", "--out", tmp_path / "job")
    assert result.code == 0, result.err
    assert "init_detector" in result.err
    assert names(tmp_path / "job") == ["export.pth", "export_config.py", "model_card.md"]
    assert (tmp_path / "job" / "export.pth").read_text() == "of export"
    result = run("export", "e1234567890", "--label", "frs", "--onnx", "--out", tmp_path / "row", "--json")
    assert json.loads(result.out) == {
        "id": "frs-4567890",
        "folder": str(tmp_path / "row"),
        "files": ["export.pth", "export_config.py", "model.onnx", "model_card.md", "onnx.json"],
    }


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["e1234567890"], 2, "give --label and --seed of one of: teacher, none"),
        (["e1234567890", "--label", "pkd"], 2, "0 jobs are meant"),
        (["frs-4567890", "--label", "frs"], 2, "choose a job of an experiment"),
        (["none-4567890"], 4, "is running and has no detector yet: frs wait none-4567890"),
        (["e1234567890", "--label", "none"], 4, "left no detector"),
    ],
)
def test_what_has_no_detector_or_is_not_one_job_says_so(
    run: Make, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    result = run("export", *arguments, "--out", tmp_path / "out")
    assert result.code == code
    assert words in " ".join(result.err.replace("│", "").split())
    assert not (tmp_path / "out").exists()
