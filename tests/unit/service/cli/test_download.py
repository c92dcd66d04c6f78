"""`frs download`."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]


def stored(server: Any, content: bytes, **fields: Any) -> dict[str, Any]:
    place = f"/files/{len(server.answers)}/download"
    server.answers[f"GET {place}"] = httpx.Response(200, content=content)
    sha256 = hashlib.sha256(content).hexdigest()
    return {
        "id": place,
        "media_type": "x",
        "sha256": sha256,
        "size_bytes": len(content),
        "download": f"/api/v1{place}",
        **fields,
    }


@pytest.fixture
def job(server: Any, make_job: Make) -> Any:
    """A server with a job of three checkpoints and two other files."""
    server.answers["GET /jobs/j1"] = make_job("succeeded", id="j1234567890")
    checkpoints = [
        stored(server, b"state", kind="state", step=12),
        stored(server, b"weights", kind="weights", step=20),
        stored(server, b"export", kind="export", step=20),
    ]
    files = [stored(server, b"card", name="model_card.md"), stored(server, b"gt", name="pictures/7/gt.jpg")]
    server.answers["GET /jobs/j1234567890/checkpoints"] = {"items": checkpoints}
    server.answers["GET /jobs/j1234567890/artifacts"] = {"items": files}
    return server


def found(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("job")
def test_everything_but_states_is_written(run: Make, tmp_path: Path) -> None:
    result = run("download", "j1", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    assert found(tmp_path / "out") == {
        "weights.safetensors": b"weights",
        "export.pth": b"export",
        "model_card.md": b"card",
        "pictures/7/gt.jpg": b"gt",
    }


@pytest.mark.usefixtures("job")
def test_names_choose(run: Make, tmp_path: Path) -> None:
    result = run("download", "j1", "state-*", "model_card.md", "--out", tmp_path, "--json")
    assert result.code == 0, result.err
    assert set(found(tmp_path)) == {"state-00000012.pth", "model_card.md"}


@pytest.mark.usefixtures("job")
def test_a_name_that_is_not_there_is_refused_with_those_that_are(run: Make, tmp_path: Path) -> None:
    result = run("download", "j1", "model.onnx", "--out", tmp_path)
    assert result.code == 4
    assert "model_card.md" in result.err


def test_bytes_that_are_not_the_recorded_ones_are_not_kept(job: Any, run: Make, tmp_path: Path) -> None:
    job.answers["GET /jobs/j1234567890/artifacts"]["items"][0]["sha256"] = "0" * 64
    result = run("download", "j1", "model_card.md", "--out", tmp_path)
    assert result.code == 1
    assert "model_card.md arrived with" in result.err
    assert found(tmp_path) == {}


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_a_name_that_leaves_the_folder_is_refused(job: Any, run: Make, tmp_path: Path, name: str) -> None:
    job.answers["GET /jobs/j1234567890/artifacts"]["items"][0]["name"] = name
    result = run("download", "j1", "--out", tmp_path / "out")
    assert result.code == 4
    assert found(tmp_path) == {}
