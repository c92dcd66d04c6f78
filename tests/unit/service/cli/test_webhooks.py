import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
HOOK = {
    "id": "0123456789abcdef",
    "name": "lab",
    "url": "https://hooks.example/[x]",
    "payload": "slack",
    "events": ["job.failed"],
    "experiment_id": None,
    "everyone": False,
    "enabled": True,
    "disabled_reason": None,
    "owner_key_id": "fedcba9876543210",
    "created_at": "2026-01-02T03:04:05Z",
}
DELIVERY = {
    "id": "d123456789abcdef",
    "webhook_id": HOOK["id"],
    "event_id": "e1",
    "event": "webhook.test",
    "state": "pending",
    "num_attempts": 0,
    "not_before": "2026-01-02T03:04:05Z",
    "created_at": "2026-01-02T03:04:05Z",
}
LOG = f"GET /webhooks/{HOOK['id']}/deliveries/{DELIVERY['id']}"


def tried(status: int, error: str | None, state: str) -> dict[str, Any]:
    once = {"started_at": "2026-01-02T03:04:05Z", "seconds": 0.1, "status": status, "error": error}
    return {**DELIVERY, "state": state, "body": "{}", "tries": [once]}


def test_the_secret_of_a_new_one_alone_is_on_standard_output(run: Run, server: Any) -> None:
    server.answers["POST /webhooks"] = {**HOOK, "secret": "whsec_x"}
    result = run("webhook", "create", "--name", "lab", "--payload", "slack", HOOK["url"])
    assert (result.code, result.out) == (0, "whsec_x\n")
    sent = server.sent()
    assert (sent["url"], sent["payload"], sent["everyone"], sent["experiment_id"]) == (
        HOOK["url"], "slack", False, None,
    )  # fmt: skip
    assert "events" not in sent  # the server's own default
    run("webhook", "create", "--name", "a", "https://b.example", "--event", "job.failed", "--everyone")
    assert (server.sent()["events"], server.sent()["everyone"]) == (["job.failed"], True)


def test_they_are_listed_and_shown_with_their_log(run: Run, server: Any) -> None:
    server.answers["GET /webhooks"] = {"items": [HOOK]}
    assert "hooks.example/[x]" in run("webhook", "list").out
    assert json.loads(run("webhook", "list", "--json").out)[0]["name"] == "lab"
    server.answers["GET /webhooks/0123"] = {**HOOK, "enabled": False, "disabled_reason": "410"}
    server.answers["GET /webhooks/0123/deliveries"] = {"items": [DELIVERY]}
    shown = run("webhook", "show", "0123").out
    assert "off: 410" in shown
    assert "webhook.test" in shown


def test_switching_one_leaves_the_rest_as_it_is(run: Run, server: Any) -> None:
    server.answers["GET /webhooks/0123"] = HOOK
    server.answers["PUT /webhooks/0123"] = {**HOOK, "enabled": False}
    assert run("webhook", "disable", "0123").code == 0
    fields = ("name", "url", "payload", "events", "experiment_id", "everyone")
    assert server.sent() == {**{name: HOOK[name] for name in fields}, "enabled": False}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (tried(200, None, "delivered"), 0, "delivered: HTTP 200"),
        (tried(500, "HTTP 500", "pending"), 1, "pending: HTTP 500"),
    ],
)
def test_a_test_tells_how_it_went(
    run: Run, server: Any, answer: dict[str, Any], code: int, words: str
) -> None:
    server.answers["POST /webhooks/0123/test"] = DELIVERY
    server.answers[LOG] = answer
    result = run("webhook", "test", "0123")
    assert (result.code, result.out.strip()) == (code, words)


def test_what_nobody_sends_is_told(run: Run, server: Any) -> None:
    server.answers["POST /webhooks/0123/test"] = DELIVERY
    server.answers[LOG] = DELIVERY
    result = run("webhook", "test", "0123", "--wait", "0.01")
    assert result.code == 1
    assert "is a keeper running?" in result.err
    assert run("webhook", "test", "0123", "--wait", "0").code == 0


def test_a_delivery_is_repeated(run: Run, server: Any) -> None:
    place = f"/webhooks/0123/deliveries/{DELIVERY['id']}"
    server.answers[f"GET {place}"] = {**DELIVERY, "tries": []}
    server.answers[f"POST {place}/redeliver"] = DELIVERY
    server.answers[LOG] = tried(204, None, "delivered")
    assert run("webhook", "redeliver", "0123", DELIVERY["id"]).out == "delivered: HTTP 204\n"


def test_secrets_are_changed_and_webhooks_deleted(run: Run, server: Any) -> None:
    server.answers["POST /webhooks/0123/rotate"] = {**HOOK, "secret": "whsec_new"}
    assert run("webhook", "rotate", "0123").out == "whsec_new\n"
    server.answers["DELETE /webhooks/0123"] = {}
    assert run("webhook", "delete", "0123").code == 0
