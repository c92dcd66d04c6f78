from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import ApiError, Client, UnreachableError

Handler = Callable[[httpx.Request], httpx.Response]


def client_of(handler: Handler, **options: Any) -> Client:
    return Client("http://host/", transport=httpx.MockTransport(handler), retry_delays=(0.0, 0.0), **options)


def failing(times: int, error: Exception, answer: httpx.Response) -> tuple[Handler, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) <= times:
            raise error
        return answer

    return handler, asked


LOG = {"text": "a", "next_after": "1:0", "finished": True}


def test_a_get_survives_a_restart_of_the_server() -> None:
    handler, asked = failing(2, httpx.ConnectError("refused"), httpx.Response(200, json=LOG))
    assert client_of(handler).log("j").text == "a"
    assert len(asked) == 3


def test_retries_end() -> None:
    handler, asked = failing(9, httpx.ConnectError("refused"), httpx.Response(200))
    with pytest.raises(UnreachableError, match="cannot reach http://host: refused"):
        client_of(handler).job("j")
    assert len(asked) == 3


def test_a_slow_server_is_not_asked_again() -> None:
    handler, asked = failing(9, httpx.ReadTimeout("too slow"), httpx.Response(200))
    with pytest.raises(UnreachableError):
        client_of(handler).job("j")
    assert len(asked) == 1


def test_a_cancellation_is_sent_once() -> None:
    handler, asked = failing(9, httpx.ConnectError("refused"), httpx.Response(200))
    with pytest.raises(UnreachableError):
        client_of(handler).control_job("j", "cancel")
    assert len(asked) == 1


def test_a_submission_is_repeated_with_one_key() -> None:
    handler, asked = failing(1, httpx.RemoteProtocolError("gone"), httpx.Response(422, json={"detail": "no"}))
    with pytest.raises(ApiError):
        client_of(handler).submit_experiment({"name": "a"})
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert len(asked) == 2


def test_a_refusal_carries_the_problem_document() -> None:
    problem = {"title": "no", "detail": "name is empty", "errors": [{"field": "name", "message": "empty"}]}
    with pytest.raises(ApiError, match="name is empty") as caught:
        client_of(lambda _request: httpx.Response(422, json=problem)).job("j")
    assert caught.value.status == 422
    assert caught.value.problem == problem
    assert caught.value.faults == ({"field": "name", "message": "empty"},)


@pytest.mark.parametrize("status", [200, 404])
def test_another_program_at_the_address_is_told_from_a_refusal(status: int) -> None:
    with pytest.raises(ApiError, match=r"http://host/api/v1/jobs/j answered .* check FRS_URL"):
        client_of(lambda _request: httpx.Response(status, text="<html>hello</html>")).job("j")


def test_the_key_is_sent_as_a_bearer_token() -> None:
    handler, asked = failing(0, ValueError(), httpx.Response(200, json=LOG))
    client_of(handler, api_key="secret").log("j")
    client_of(handler).log("j")
    assert asked[0].headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in asked[1].headers


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    handler, asked = failing(0, ValueError(), httpx.Response(200, json=LOG))
    client_of(handler).log("../../x?y")
    assert asked[0].url.raw_path == b"/api/v1/jobs/..%2F..%2Fx%3Fy/logs"


def test_keys_of_a_newer_server_are_kept_aside() -> None:
    handler, _ = failing(0, ValueError(), httpx.Response(200, json={**LOG, "newer": 1}))
    assert client_of(handler).log("j").model_extra == {"newer": 1}
