"""How requests are timed, with an application that does what a test wants."""

import asyncio
from typing import Any

from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.api.timing import RequestTiming
from service.telemetry.metrics import Metrics


def served(metrics: Metrics, app: Any) -> list[str]:
    """The metrics of HTTP after one request."""

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "app": FastAPI()}
    with start_blocking_portal() as portal:
        portal.call(RequestTiming(app, metrics), scope, nothing, nothing)
    return lines(metrics)


def lines(metrics: Metrics) -> list[str]:
    text = metrics.exposition("")[0].decode()
    return [line for line in text.splitlines() if line.startswith("frs_http") and "_bucket" not in line]


def test_an_event_stream_is_open_while_it_lasts_and_timed_until_it_begins() -> None:
    metrics = Metrics()
    meanwhile: list[str] = []

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await asyncio.sleep(0.2)
        meanwhile.extend(lines(metrics))

    after = served(metrics, stream)
    assert "frs_http_streams_open 1.0" in meanwhile
    assert "frs_http_streams_open 0.0" in after
    [seconds] = [line for line in after if line.startswith("frs_http_request_seconds_sum")]
    assert float(seconds.split()[1]) < 0.1


def test_an_answer_is_timed_to_its_end() -> None:
    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.2)

    [seconds] = [line for line in served(Metrics(), slow) if line.startswith("frs_http_request_seconds_sum")]
    assert float(seconds.split()[1]) > 0.15


def test_what_fails_before_it_answers_counts_as_5xx() -> None:
    async def fail(*_: Any) -> None:
        raise ConnectionError

    metrics = Metrics()
    try:
        served(metrics, fail)
    except ConnectionError:
        text = "\n".join(lines(metrics))
    assert 'frs_http_request_seconds_count{method="GET",route="none",status="5xx"} 1.0' in text


def test_a_thousand_invented_paths_are_two_series() -> None:
    metrics, app = Metrics(), FastAPI()
    app.add_api_route("/jobs/{job_id}", lambda job_id: job_id)
    app.add_middleware(RequestTiming, metrics=metrics)
    with TestClient(app) as client:
        for number in range(500):
            client.get(f"/jobs/{number}")
            client.get(f"/{number}/nowhere")
    assert [line for line in lines(metrics) if "_count" in line] == [
        'frs_http_request_seconds_count{method="GET",route="/jobs/{job_id}",status="2xx"} 500.0',
        'frs_http_request_seconds_count{method="GET",route="none",status="4xx"} 500.0',
    ]
