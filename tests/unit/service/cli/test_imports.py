"""`frs import-checkpoint`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Make = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def importing(server: Any, make_job: Make) -> dict[str, Any]:
    """A job that a server queues, and which then succeeds with weights."""
    job = {**make_job("queued", "mine"), "id": "x1234567890", "kind": "import"}
    stored = {
        "id": "c123",
        "kind": "weights",
        "step": 0,
        "epoch": 0,
        "sha256": "0",
        "size_bytes": 3,
        "download": "/d",
    }
    server.answers["POST /checkpoints"] = httpx.Response(202, json=job)
    server.answers["GET /jobs/x1234567890"] = [job, {**job, "state": "succeeded"}]
    server.answers["GET /jobs/x1234567890/checkpoints"] = {"items": [stored]}
    return job


def test_a_file_is_sent_and_the_id_of_its_weights_printed(
    server: Any, run: Make, importing: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "a.pth").write_bytes(b"weights")
    result = run("import-checkpoint", tmp_path / "a.pth", "--name", "mine")
    assert (result.code, result.out) == (0, "c123\n"), result.err
    sent = server.requests[0].content
    for part in (b"weights", b'name="file"; filename="a.pth"', b'name="name"\r\n\r\nmine'):
        assert part in sent


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (
            ("https://a.example/b.pth", "--sha256", "0" * 64),
            {"url": "https://a.example/b.pth", "sha256": "0" * 64},
        ),
        (("--server-path", "/srv/b.pth"), {"path": "/srv/b.pth"}),
    ],
)
def test_an_address_or_a_path_of_the_server_is_named(
    server: Any, run: Make, importing: dict[str, Any], arguments: tuple[str, ...], body: dict[str, str]
) -> None:
    result = run("import-checkpoint", *arguments, "--no-wait", "--json")
    assert json.loads(result.out)["state"] == "queued"
    assert server.sent(0) == body
    assert len(server.requests) == 1


def test_a_file_that_the_worker_refuses_is_a_failure_with_its_reason(
    server: Any, run: Make, importing: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "a.pth").write_bytes(b"weights")
    server.answers["GET /jobs/x1234567890"] = {**importing, "state": "failed", "reason": "it is damaged"}
    server.answers["GET /jobs/x1234567890/checkpoints"] = {"items": []}
    result = run("import-checkpoint", tmp_path / "a.pth")
    assert (result.code, "it is damaged" in result.err) == (1, True)


def test_one_source_is_given_and_can_be_read(server: Any, run: Make, tmp_path: Path) -> None:
    assert run("import-checkpoint").code == 2
    assert run("import-checkpoint", "a.pth", "--server-path", "/a.pth").code == 2
    missing = run("import-checkpoint", tmp_path / "absent.pth")
    assert (missing.code, "cannot read" in missing.err) == (2, True)
    assert server.requests == []
