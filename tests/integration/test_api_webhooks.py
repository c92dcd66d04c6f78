"""The routes of webhooks: whose they are, what is told once, and what is refused."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.access.roles import Role
from service.api.app import create_app
from service.db import api_keys
from service.db.models import AuditEntry, Webhook
from service.settings import Settings
from service.webhooks.delivering import deliver
from service.webhooks.sending import Sender
from tests.fixtures.receivers import Receiver
from tests.fixtures.submissions import Submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

HOOKS = "/api/v1/webhooks"
Sessions = sessionmaker[Session]
As = Callable[..., dict[str, str]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database will do: the queries are tested on both elsewhere."""
    return sqlite_url


@pytest.fixture
def api(settings: Settings, receiver: Receiver) -> Iterator["TestClient"]:
    """A client without a key, of a server that may send to the receiver."""
    from fastapi.testclient import TestClient

    app = create_app(settings.model_copy(update={"webhook_private_hosts": (receiver.host,)}))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def as_(sessions: Sessions) -> As:
    """Headers of a new key."""

    def make(name: str = "ada", role: Role = Role.SUBMITTER) -> dict[str, str]:
        with sessions.begin() as session:
            return {"Authorization": f"Bearer {api_keys.create_key(session, name=name, role=role)[1]}"}

    return make


def wish(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    return {"name": "lab", "url": receiver.url(), **changes}


def made(api: "TestClient", caller: dict[str, str], receiver: Receiver, **changes: Any) -> dict[str, Any]:
    answer = api.post(HOOKS, json=wish(receiver, **changes), headers=caller)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def test_the_secret_is_told_once(api: "TestClient", as_: As, receiver: Receiver, sessions: Sessions) -> None:
    ada = as_()
    hook = made(api, ada, receiver)
    assert hook["secret"].startswith("whsec_")
    assert hook["events"] == ["job.failed", "experiment.finished"]
    place = f"{HOOKS}/{hook['id'][:6]}"
    told = [
        api.get(HOOKS, headers=ada).text,
        api.get(place, headers=ada).text,
        api.put(place, json=wish(receiver, name="new"), headers=ada).text,
    ]
    rotated = api.post(f"{place}/rotate", headers=ada).json()
    assert rotated["secret"] not in (hook["secret"], None)
    assert rotated["former_secret_until"]
    with sessions() as session:
        row = session.scalars(select(Webhook)).one()
        told += [f"{entry.before} {entry.after}" for entry in session.scalars(select(AuditEntry))]
    assert (row.secret, row.former_secret) == (rotated["secret"], hook["secret"])
    assert not [text for text in told if "whsec_" in text or hook["secret"] in text]


def test_webhooks_are_their_keys_own(api: "TestClient", as_: As, receiver: Receiver) -> None:
    ada, eve, operator, viewer = as_(), as_("eve"), as_("op", Role.OPERATOR), as_("v", Role.VIEWER)
    place = f"{HOOKS}/{made(api, ada, receiver)['id']}"
    for method, path in (
        ("GET", place), ("PUT", place), ("DELETE", place), ("POST", f"{place}/rotate"),
        ("POST", f"{place}/test"), ("GET", f"{place}/deliveries"),
    ):  # fmt: skip
        for caller in (eve, viewer):
            assert api.request(method, path, headers=caller).status_code == 403, (method, path)
    assert api.get(HOOKS, headers=eve).json()["items"] == []
    assert api.get(HOOKS, headers=viewer).status_code == 403
    assert len(api.get(HOOKS, headers=operator).json()["items"]) == 1
    assert api.delete(place, headers=operator).status_code == 204
    assert api.get(place, headers=ada).status_code == 404


def test_a_delivery_of_another_webhook_is_not_there(api: "TestClient", as_: As, receiver: Receiver) -> None:
    ada, eve = as_(), as_("eve")
    hers, others = made(api, ada, receiver), made(api, eve, receiver)
    delivery = api.post(f"{HOOKS}/{others['id']}/test", headers=eve).json()["id"]
    for method, path in (("GET", ""), ("POST", "/redeliver")):
        answer = api.request(method, f"{HOOKS}/{hers['id']}/deliveries/{delivery}{path}", headers=ada)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "http://hooks.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://user:pass@hooks.example/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["job.started"]}, "events"),
        ({"payload": "xml"}, "payload"),
        ({"experiment_id": "none"}, "experiment_id"),
        ({"everyone": True}, "everyone"),
        ({"secret": "whsec_mine"}, "secret"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_refused_is_named(
    api: "TestClient", as_: As, receiver: Receiver, changes: dict[str, Any], field: str
) -> None:
    ada = as_()
    hook = made(api, ada, receiver)
    for answer in (
        api.post(HOOKS, json=wish(receiver, **changes), headers=ada),
        api.put(f"{HOOKS}/{hook['id']}", json=wish(receiver, **changes), headers=ada),
    ):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(field), answer.text


def test_one_key_has_not_any_number_of_them(api: "TestClient", as_: As, receiver: Receiver) -> None:
    ada = as_()
    for _ in range(50):
        made(api, ada, receiver)
    assert api.post(HOOKS, json=wish(receiver), headers=ada).status_code == 409


def test_a_test_goes_through_the_log_and_can_be_repeated(
    api: "TestClient", as_: As, receiver: Receiver, sessions: Sessions, submit: Submit
) -> None:
    ada = as_()
    hook = made(api, ada, receiver, payload="slack", experiment_id=submit()[:6])
    place = f"{HOOKS}/{hook['id']}"
    first = api.post(f"{place}/test", headers=ada)
    assert (first.status_code, first.json()["state"]) == (202, "pending")
    send = Sender(private_hosts={receiver.host})
    receiver.status = 400
    assert deliver(sessions, send) == 1
    log = f"{place}/deliveries/{first.json()['id']}"
    found = api.get(log, headers=ada).json()
    assert found["body"] == '{"text": "A test of the webhook lab: messages of FRS Distill arrive here."}'
    assert [(each["status"], each["error"]) for each in found["tries"]] == [(400, "HTTP 400")]
    receiver.status = 200
    assert api.post(f"{log}/redeliver", headers=ada).status_code == 202
    assert deliver(sessions, send) == 1
    found = api.get(log, headers=ada).json()
    assert (found["state"], [each["status"] for each in found["tries"]]) == ("delivered", [400, 200])
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    api.post(f"{place}/test", headers=ada)
    page = api.get(f"{place}/deliveries", params={"limit": 1}, headers=ada).json()
    rest = api.get(f"{place}/deliveries", params={"cursor": page["next_cursor"]}, headers=ada).json()
    assert [item["id"] for item in rest["items"]] == [first.json()["id"]]
    assert api.get(f"{place}/deliveries", params={"cursor": "x"}, headers=ada).status_code == 422


def test_one_that_is_off_is_not_tried(api: "TestClient", as_: As, receiver: Receiver) -> None:
    ada = as_()
    place = f"{HOOKS}/{made(api, ada, receiver, enabled=False)['id']}"
    assert api.post(f"{place}/test", headers=ada).status_code == 409
    api.put(place, json=wish(receiver), headers=ada)
    assert api.post(f"{place}/test", headers=ada).status_code == 202


def test_during_rotation_both_secrets_sign(
    api: "TestClient", as_: As, receiver: Receiver, sessions: Sessions
) -> None:
    ada = as_()
    place = f"{HOOKS}/{made(api, ada, receiver)['id']}"
    api.post(f"{place}/rotate", headers=ada)
    api.post(f"{place}/test", headers=ada)
    deliver(sessions, Sender(private_hosts={receiver.host}))
    [found] = receiver.received
    signatures = found.headers["webhook-signature"].split(" ")
    assert len(set(signatures)) == 2
    assert all(each.startswith("v1,") for each in signatures)
