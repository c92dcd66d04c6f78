"""One request of a delivery, to a real receiver."""

import http.server
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from service.db.webhooks import Outcome, Parcel
from service.webhooks.schedule import MAX_ATTEMPTS, delay_seconds
from service.webhooks.sending import MAX_ANSWER_BYTES, Sender

if TYPE_CHECKING:
    from tests.fixtures.https_server import HttpsServer
    from tests.fixtures.receivers import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def parcel(url: str) -> Parcel:
    return Parcel(
        delivery_id="d", webhook_id="w", url=url, secrets=(SECRET,), event_id="e", body="{}", num_attempts=1
    )


def sent(receiver: "Receiver", **given: object) -> Outcome:
    return Sender(private_hosts={receiver.host}, **given)(parcel(receiver.url()))  # type: ignore[arg-type]


def test_what_is_sent_says_what_it_is_and_when(receiver: "Receiver") -> None:
    outcome = sent(receiver, clock=lambda: 1234567890.9)
    assert (outcome.status, outcome.error, outcome.response) == (204, None, "")
    [found] = receiver.received
    assert (found.path, found.body) == ("/hook", b"{}")
    assert found.headers["content-type"] == "application/json"
    assert found.headers["host"] == receiver.host
    assert found.headers["user-agent"].startswith("frs-distill/")
    assert (found.headers["webhook-id"], found.headers["webhook-timestamp"]) == ("e", "1234567890")


def test_a_host_inside_is_not_even_connected_to(receiver: "Receiver") -> None:
    outcome = Sender()(parcel(receiver.url()))
    assert "not on the public internet" in (outcome.error or "")
    assert receiver.received == []


def test_a_name_is_looked_up_once_and_the_request_goes_there(receiver: "Receiver") -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    port = receiver.host.partition(":")[2]
    sender = Sender(private_hosts={"hooks.example"}, resolve=resolve)
    assert sender(parcel(f"http://hooks.example:{port}/x")).status == 204
    assert asked == ["hooks.example"]
    assert receiver.received[0].headers["host"] == f"hooks.example:{port}"
    rebound = Sender(resolve=lambda *_: ["93.184.215.14", "127.0.0.1"])
    assert "127.0.0.1" in (rebound(parcel(f"https://hooks.example:{port}/x")).error or "")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: "Receiver", status: int) -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", receiver.url("/elsewhere"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = answer
    outcome = sent(receiver)
    assert (outcome.status, len(receiver.received)) == (status, 1)
    assert "redirects are not followed" in (outcome.error or "")


def test_of_an_endless_answer_the_beginning_is_read(receiver: "Receiver") -> None:
    stopped = threading.Event()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"\xff\x00" * 10_000)
        except OSError:
            stopped.set()

    receiver.answer = answer
    outcome = sent(receiver)
    assert outcome.status == 200
    assert len(outcome.response or "") == MAX_ANSWER_BYTES
    assert stopped.wait(10)


def test_a_receiver_that_answers_byte_by_byte_is_hung_up_on(receiver: "Receiver") -> None:
    over = threading.Event()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.1):
                handler.wfile.write(b"X-A: b\r\n")
        except OSError:
            pass

    receiver.answer = answer
    outcome = sent(receiver, deadline_seconds=0.5)
    over.set()
    assert outcome.status is None
    assert outcome.error
    assert outcome.seconds < 8


def test_a_certificate_must_be_the_hosts(https_server: "HttpsServer") -> None:
    port = https_server.host.partition(":")[2]
    resolve = lambda *_: ["127.0.0.1"]  # noqa: E731
    sender = Sender(private_hosts={"localhost", "other.example"}, resolve=resolve)
    assert sender(parcel(f"https://localhost:{port}/")).status == 501  # it knows no POST
    assert "certificate" in (sender(parcel(f"https://other.example:{port}/")).error or "").lower()


def test_a_receiver_may_ask_for_more_time(receiver: "Receiver") -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(429)
        handler.send_header("Retry-After", "9999999")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = answer
    assert sent(receiver).retry_after_seconds == 6 * 3600


def test_tries_are_spread_over_a_day_and_then_given_up() -> None:
    delays = [delay_seconds(number, lambda: 0.5) for number in range(1, MAX_ATTEMPTS)]
    assert delays == [10, 40, 160, 640, 2560, 10240, 21600, 21600, 21600]
    assert sum(delays) > 20 * 3600
    assert delay_seconds(MAX_ATTEMPTS, lambda: 0.5) is None
    assert (delay_seconds(1, lambda: 0.0), delay_seconds(1, lambda: 1.0)) == (8.0, 12.0)
