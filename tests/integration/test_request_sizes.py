"""How long, deep, manifold and slow a request may be."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import start_blocking_portal

from service.api.app import create_app
from service.settings import Settings
from tests.fixtures.server import AS_ADMIN, Body

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

EXPERIMENTS = "/api/v1/experiments"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (f"/{'x' * 8200}", {}, 414, "uri-too-long"),
        (f"/?search={'x' * 8200}", {}, 414, "uri-too-long"),
        ("/", {f"X-{number}": "x" for number in range(101)}, 431, "headers-too-large"),
        ("/", {"X-Long": "x" * 33_000}, 431, "headers-too-large"),
    ],
)
def test_long_addresses_and_headers_are_refused(
    api: "TestClient", path: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = api.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.json()["type"].endswith(code)
    assert len(answer.text) < 1000


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_json_is_refused_wherever_json_is_read(
    api: "TestClient", depth: int, brackets: tuple[bytes, bytes]
) -> None:
    deep = brackets[0] * depth + b"1" + brackets[1] * depth
    plain = {"Content-Type": "application/json"}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="record"\r\n\r\n' + deep + b"\r\n--x--\r\n"
    for path, headers, body in (
        (EXPERIMENTS, plain, deep),
        ("/api/v1/jobs", plain, deep),
        (f"{EXPERIMENTS}/abcd/clone", plain, b'{"changes":' + deep + b"}"),
        (f"{EXPERIMENTS}/abcd/external", plain, deep),
        ("/api/v1/jobs/abcd/predict", plain, deep),
        (f"{EXPERIMENTS}/import", form, part),
    ):
        answer = api.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 422), (path, answer.text)
        assert "nested too deeply" in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n" * 500_000 + b"--x--",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n' + b"X: y\r\n" * 5000 + b"\r\n\r\n--x--",
    ],
)
def test_a_form_of_countless_parts_or_headers_is_refused(api: "TestClient", body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = api.post(f"{EXPERIMENTS}/import", content=body, headers=headers)
    assert answer.status_code == 400
    assert "more than" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("/api/v1/checkpoints", "multipart/form-data; boundary=x"),
        ("/api/v1/datasets/upload", "application/zip"),
        (f"{EXPERIMENTS}/import", "multipart/form-data; boundary=x"),
        (f"{EXPERIMENTS}/abcd/external", "multipart/form-data; boundary=x"),
        ("/api/v1/jobs/abcd/predict", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_read_into_memory_is_small_where_files_are_taken_too(
    settings: Settings, path: str, files: str
) -> None:
    from fastapi.testclient import TestClient

    limits = ("max_upload_bytes", "max_dataset_bytes", "max_checkpoint_bytes")
    changed = settings.model_copy(update={"max_request_bytes": 1000, **dict.fromkeys(limits, 2000)})
    with TestClient(create_app(changed), headers=AS_ADMIN) as client:
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            answer = client.post(path, content=b" " * 1500, headers={"Content-Type": kind})
            assert answer.status_code == 413, kind
            for word in ("FRS_MAX_REQUEST_BYTES", files.partition(";")[0]):
                assert word in answer.json()["detail"]
        answer = client.post(path, content=b" " * 1500, headers={"Content-Type": files})
        assert answer.status_code != 413, answer.text
        answer = client.post(path, content=b" " * 2001, headers={"Content-Type": files})
        assert answer.status_code == 413
        assert "FRS_MAX_REQUEST_BYTES" not in answer.json()["detail"]


def test_a_body_that_does_not_say_its_length_is_counted_as_it_comes(api: "TestClient") -> None:
    pieces = (b" " * 100_000 for _ in range(11))
    answer = api.post("/api/v1/checkpoints", content=pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_body_that_never_ends_to_arrive_is_given_up(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"body_patience_seconds": 0.05}))
    sent: list[Any] = []

    async def drip() -> Any:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"host", b"localhost"),
        (b"authorization", AS_ADMIN["Authorization"].encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"99999"),
    ]
    scope = {
        "type": "http", "method": "POST", "path": EXPERIMENTS, "raw_path": EXPERIMENTS.encode(),
        "query_string": b"", "root_path": "", "scheme": "http", "server": ("x", 80), "client": ("1.2.3.4", 1),
        "http_version": "1.1", "headers": headers,
    }  # fmt: skip

    async def ask() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(app(scope, drip, send), timeout=20)

    with start_blocking_portal() as portal:
        portal.call(ask)
    assert sent[0]["status"] == 408
    assert b"did not arrive in time" in sent[1]["body"]


def test_a_body_in_pieces_that_come_in_time_is_taken(api: "TestClient", job_body: Body) -> None:
    text = json.dumps(job_body).encode()
    pieces = (text[start : start + 50] for start in range(0, len(text), 50))
    answer = api.post("/api/v1/jobs", content=pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
