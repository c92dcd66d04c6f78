"""What is sent again, when, and what never is."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import ApiError, Client, UnreachableError

JOB = {"id": "j", "kind": "train", "role": "x", "label": "a", "name": "a", "seed": 0, "state": "queued"}
EXPERIMENT = {
    "id": "e", "name": "a", "state": "queued", "created_at": "2026-01-02T03:04:05Z", "num_jobs": 0,
    "jobs": [],
}  # fmt: skip
Answer = httpx.Response | Exception


class Script:
    """Gives one answer after the other; the last for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were slept."""
    slept: list[float] = []
    monkeypatch.setattr("service.client.transport.time.sleep", slept.append)
    return slept


def client_of(script: Script, **options: Any) -> Client:
    return Client("http://host", transport=httpx.MockTransport(script), retry_delays=(0.1, 0.2), **options)


def submit(client: Client) -> Any:
    return client.submit({"name": "a"})


def read(client: Client) -> Any:
    return client.job("j")


def change(client: Client) -> Any:
    return client.control_job("j", "cancel")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("call", "answer"), [(submit, EXPERIMENT), (read, JOB)])
def test_a_busy_server_is_asked_again(
    pauses: list[float], call: Callable[[Client], Any], answer: Any, status: int
) -> None:
    script = Script(httpx.Response(status), httpx.Response(status), httpx.Response(200, json=answer))
    assert call(client_of(script)).state == "queued"
    assert pauses == [0.1, 0.2]


def test_one_submission_has_one_key_and_the_next_another(pauses: list[float]) -> None:
    script = Script(httpx.ConnectError("gone"), httpx.Response(503), httpx.Response(201, json=EXPERIMENT))
    client = client_of(script)
    submit(client)
    submit(client)
    first, second, third, other = (request.headers["Idempotency-Key"] for request in script.asked)
    assert first == second == third != other


@pytest.mark.parametrize("answer", [httpx.ConnectError("gone"), httpx.Response(503), httpx.Response(429)])
def test_what_has_no_key_is_sent_once(pauses: list[float], answer: Answer) -> None:
    script = Script(answer)
    with pytest.raises((UnreachableError, ApiError)):
        change(client_of(script))
    assert len(script.asked) == 1
    assert pauses == []


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500])
def test_a_refusal_is_final(pauses: list[float], status: int) -> None:
    script = Script(httpx.Response(status, json={"detail": "no"}))
    with pytest.raises(ApiError, match="no"):
        submit(client_of(script))
    assert len(script.asked) == 1


def test_retry_after_is_waited_for(pauses: list[float]) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    assert read(client_of(Script(busy, httpx.Response(200, json=JOB)))).id == "j"
    assert pauses == [7.0]


def test_retry_after_may_be_a_moment(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.client.transport.time.time", lambda: 784111777.0)
    busy = httpx.Response(503, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:42 GMT"})
    read(client_of(Script(busy, httpx.Response(200, json=JOB))))
    assert pauses == [5.0]


def test_a_server_that_asks_for_more_patience_than_that_is_told_of(pauses: list[float]) -> None:
    script = Script(httpx.Response(429, headers={"Retry-After": "3600"}, json={"detail": "too many jobs"}))
    with pytest.raises(ApiError, match="too many jobs"):
        submit(client_of(script))
    assert pauses == []


def test_readiness_is_told_at_once(pauses: list[float]) -> None:
    script = Script(httpx.Response(503, json={"detail": "broker: down"}))
    with pytest.raises(ApiError, match="broker: down"):
        client_of(script).ready()
    assert len(script.asked) == 1


def test_a_closed_client_sends_nothing() -> None:
    script = Script(httpx.Response(200, json=JOB))
    with client_of(script) as client:
        read(client)
    with pytest.raises(RuntimeError):
        read(client)
