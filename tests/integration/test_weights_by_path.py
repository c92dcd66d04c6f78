"""Weights that a request names by their path lie below FRS_IMPORT_ROOTS, wherever they are named."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from service.api.app import create_app
from service.settings import Settings
from tests.fixtures.server import AS_ADMIN, Body

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

API = "/api/v1"
HEADER = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + b"\0" * 8


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder for weights; a file beside it, and a link in it that leads to that file."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "w.safetensors").write_bytes(WEIGHTS)
    (folder / "out.safetensors").symlink_to(tmp_path / "w.safetensors")
    return folder


@pytest.fixture(params=[True, False], ids=["seen by the server", "seen by workers alone"])
def limited(
    request: pytest.FixtureRequest, settings: Settings, allowed: Path
) -> Iterator[tuple["TestClient", bool]]:
    """A client of a server with that folder, and whether the server sees the workers' files."""
    from fastapi.testclient import TestClient

    changed = settings.model_copy(update={"import_roots": (allowed,), "datasets_visible": request.param})
    with TestClient(create_app(changed), headers=AS_ADMIN) as client:
        yield client, request.param


@pytest.fixture
def wishes(experiment_body: Body, job_body: Body) -> dict[str, tuple[str, Body]]:
    """By the field that names the weights: where to, and what, with WEIGHTS_PATH for the path."""
    detector = experiment_body["teacher"]["detector"]
    given = {"detector": detector, "checkpoint": "WEIGHTS_PATH"}
    under_teacher = {**experiment_body, "teacher": {**given, "train": {"epochs": 1}}}
    start = {**experiment_body, "student": given}
    taught = {**job_body, "kind": "distill", "method": {"name": "frs"}, "teacher": given}
    return {
        "an experiment's teacher": ("experiments", under_teacher),
        "an experiment's student": ("experiments", start),
        "a plan": ("experiments/plan", start),
        "a job": ("jobs", {**job_body, "checkpoint": "WEIGHTS_PATH"}),
        "a job's teacher": ("jobs", taught),
        "a detector from outside": (
            "experiments/{made}/external", {"label": "mine", "checkpoint": "WEIGHTS_PATH"},
        ),
    }  # fmt: skip


def test_a_file_outside_the_roots_is_refused_alike_whether_it_is_there_or_not(
    limited: tuple["TestClient", bool],
    wishes: dict[str, tuple[str, Body]],
    experiment_body: Body,
    allowed: Path,
) -> None:
    client, is_visible = limited
    made = client.post(f"{API}/experiments", json=experiment_body).json()["id"]
    before = client.get(f"{API}/jobs").json()["items"]
    outside = ["../w.safetensors", "../none.pth", "../none.txt", *(["out.safetensors"] if is_visible else [])]
    told = set()
    for name in [*(f"{allowed}/{name}" for name in outside), "/etc/passwd"]:
        for who, (where, body) in wishes.items():
            [error] = asked(client, where.format(made=made), body, name).json()["errors"]
            assert (error["field"].rpartition(".")[2], error["value"]) == ("checkpoint", name), who
            told.add(error["message"])
    assert told == {
        f"lies outside the folders for weights (FRS_IMPORT_ROOTS: {allowed}): move it there, or upload it"
    }
    assert client.get(f"{API}/jobs").json()["items"] == before


def test_a_file_below_a_root_is_taken(
    limited: tuple["TestClient", bool],
    wishes: dict[str, tuple[str, Body]],
    experiment_body: Body,
    allowed: Path,
) -> None:
    client, _ = limited
    made = client.post(f"{API}/experiments", json=experiment_body).json()["id"]
    for where, body in wishes.values():
        answer = asked(client, where.format(made=made), body, str(allowed / "w.safetensors"))
        assert answer.is_success, f"{where}: {answer.text}"


def asked(client: "TestClient", where: str, body: Body, path: str) -> Any:
    """The answer to a wish for these weights."""
    content = json.dumps(body).replace("WEIGHTS_PATH", path)
    return client.post(f"{API}/{where}", content=content, headers={"Content-Type": "application/json"})
