"""Requests that the API refuses whatever they are about: bodies, types, queries, keys, paths."""

import json

import pytest
from fastapi.testclient import TestClient

from tests.fixtures.problems import PROBLEM, problem
from tests.fixtures.server import Body

EXPERIMENTS, JOBS = "/api/v1/experiments", "/api/v1/jobs"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Refusing needs one kind of database only."""
    return sqlite_url


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2", b'{"name": }', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000,
     b"null", b"[]"],
    ids=lambda content: repr(content[:8]),
)  # fmt: skip
def test_what_is_no_json_object_is_refused(api: TestClient, content: bytes) -> None:
    response = api.post(EXPERIMENTS, content=content, headers={"Content-Type": "application/json"})
    problem(api, response, response.status_code)
    assert response.status_code in (400, 422)


def test_ten_megabytes_of_json_are_refused(api: TestClient, experiment_body: Body) -> None:
    body = json.dumps({**experiment_body, "name": "x" * 10_000_000})
    response = api.post(EXPERIMENTS, content=body, headers={"Content-Type": "application/json"})
    assert "1000000 bytes" in problem(api, response, 413)["detail"]


def test_a_body_without_a_length_is_measured_while_it_comes(api: TestClient) -> None:
    chunks = (b"x" * 100_000 for _ in range(20))
    response = api.post(EXPERIMENTS, content=chunks, headers={"Content-Type": "application/json"})
    problem(api, response, 413)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/yaml", ""]
)
def test_another_media_type_is_refused(api: TestClient, experiment_body: Body, media_type: str) -> None:
    response = api.post(
        EXPERIMENTS, content=json.dumps(experiment_body), headers={"Content-Type": media_type}
    )
    assert "application/json" in problem(api, response, 415)["detail"]


@pytest.mark.parametrize("path", [EXPERIMENTS, JOBS])
@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"name": "a", "name": "b"}', "the key 'name' is given twice"),
        (b'{"name":', "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(
    api: TestClient, path: str, content: bytes, word: str
) -> None:
    response = api.post(path, content=content, headers={"Content-Type": "application/json"})
    found = problem(api, response, 400)
    assert found["type"].endswith(":malformed-json")
    assert found["errors"][0]["field"] == "body"
    assert word in found["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{EXPERIMENTS}?limit=0", "limit"),
        (f"{EXPERIMENTS}?limit=99999999999999999999999", "limit"),
        (f"{EXPERIMENTS}?cursor=nonsense", "cursor"),
        (f"{EXPERIMENTS}?cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIngiXQ", "cursor"),
        (f"{EXPERIMENTS}?state=sleeping", "state"),
        (f"{EXPERIMENTS}?tag=%00", "tag"),
        (f"{EXPERIMENTS}?search=%00", "search"),
        (f"{EXPERIMENTS}?search={'x' * 201}", "search"),
        (f"{EXPERIMENTS}?dataset=%00", "dataset"),
        (f"{EXPERIMENTS}?method=%00", "method"),
        (f"{EXPERIMENTS}?sort=luck", "sort"),
        (f"{EXPERIMENTS}?direction=up", "direction"),
        (f"{EXPERIMENTS}?sort=ap&cursor=WyIyMDI2LTAxLTAxIiwgIngiXQ", "cursor"),
        ("/?sort=luck", "sort"),
        ("/?columns=state,colour", "columns"),
        ("/?cursor=nonsense", "cursor"),
        (f"{EXPERIMENTS}?submitted_by=%00", "submitted_by"),
        (f"{JOBS}?method=%00", "method"),
        (f"{JOBS}?state=nonesuch", "state"),
        ("/api/v1/events?after=-1", "after"),
        ("/api/v1/events?after=9223372036854775808", "after"),
    ],
)
def test_faulty_queries_are_refused(api: TestClient, path: str, field: str) -> None:
    assert problem(api, api.get(path), 422)["errors"][0]["field"] == field


@pytest.mark.parametrize("key", ["x" * 201, "tab\tkey", "ключ".encode()])
def test_faulty_idempotency_keys_are_refused(
    api: TestClient, experiment_body: Body, key: str | bytes
) -> None:
    response = api.post(EXPERIMENTS, json=experiment_body, headers={"Idempotency-Key": key})
    assert problem(api, response, 422)["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("route", [
    "experiments/{}", "experiments/{}/comparison", "experiments/{}/events", "jobs/{}", "jobs/{}/metrics",
    "jobs/{}/logs",     "jobs/{}/attempts", "jobs/{}/evaluations", "jobs/{}/artifacts", "jobs/{}/checkpoints",
    "checkpoints/{}/download", "artifacts/{}/download",
])  # fmt: skip
def test_what_is_not_there_is_a_404(api: TestClient, route: str) -> None:
    for name in ("0" * 16, "%00", "..%2f..%2fetc", "a" * 3000, "' OR 1=1 --", "%F0%9F%90%8D"):
        problem(api, api.get(f"/api/v1/{route.format(name)}"), 404)


def test_a_method_that_a_path_does_not_have_is_a_405(api: TestClient) -> None:
    response = api.put(JOBS, json={})
    assert "POST" in response.headers["Allow"] or "GET" in response.headers["Allow"]
    assert response.headers["Allow"] in problem(api, response, 405)["detail"]


def test_a_fault_of_the_server_tells_nothing_of_its_inside(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("service.api.experiments.queries.get_experiment", fail)
    response = api.get(f"{EXPERIMENTS}/abcdef")
    assert response.headers["content-type"] == PROBLEM
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
