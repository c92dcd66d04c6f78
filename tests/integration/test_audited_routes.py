"""Each route that changes something leaves an entry in the audit trail, also one that is new."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from frs_core.events import CheckpointKind
from service.access.policy import RULES, Rule
from service.access.roles import Role
from service.api.app import create_app
from service.db import ledger, webhooks
from service.db.models import Checkpoint, Event, Job, Webhook
from service.db.states import JobState
from service.db.types import new_id
from service.settings import Settings
from tests.fixtures.audits import AuditEntries
from tests.fixtures.changing_requests import CHANGING_REQUESTS, HOOK
from tests.fixtures.server import AS_ADMIN, TEST_KEY, Body
from tests.fixtures.unsafe_routes import unsafe_routes

if TYPE_CHECKING:
    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

WRITE_NOTHING = {"check_form", "edit_otherwise", "link_artifact", "link_checkpoint", "log_in", "log_out"}
ALONE = {"create_ticket", "collect_garbage"}
"""What is of nothing that has an id."""
LEFT_AS_IT_WAS = {"undrain_worker", "unarchive_experiment", "test_webhook", *ALONE}
KINDS = {"experiment", "job", "worker", "dataset", "dataset_version", "key", "webhook", "delivery"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is written does not depend on the kind of database."""
    return sqlite_url


def make_subjects(submit: "Submit", hand: "Hand", stored_checkpoint: Any) -> dict[str, str]:
    """Something of each kind to change, by what the requests call it."""
    with hand.sessions.begin() as session:
        done = update(Job).where(Job.state == JobState.QUEUED).values(state=JobState.CANCELLED)
        session.execute(done)  # of the requests before
    ended = submit()
    lease = hand.take()
    stored_checkpoint(lease)
    for step in (5, 6):
        hand.save(lease, CheckpointKind.STATE, step, uri=f"file:jobs/{lease.job_id}/{step}/state")
    with hand.sessions.begin() as session:
        session.execute(update(Checkpoint).values(details={"classes": ["red"]}))
    hand.finish(lease)
    experiment, paused = submit(priority=-9), submit(priority=-9)
    with hand.sessions.begin() as session:
        ledger.pause_experiment(session, paused)
        webhook = Webhook(
            owner_key_id=TEST_KEY.key_id, name="lab", url=HOOK["url"], host="93.184.215.14",
            payload="json", events=["job.failed"], secret=webhooks.new_secret(),
        )  # fmt: skip
        session.add(webhook)
        session.flush()
        event_id = new_id()
        webhooks.add_delivery(session, webhook, event_id=event_id, event="job.failed", body="{}")
        delivery = webhooks.delivery_of(session, webhook, event_id)
        delivery.state = "delivered"
    return {
        "webhook": webhook.id,
        "delivery": delivery.id,
        "experiment": experiment,
        "ended": ended,
        "trained": lease.job_id,
        "paused_experiment": paused,
        "job": hand.jobs(experiment)[0].id,
        "paused": hand.jobs(paused)[0].id,
        "worker": hand.worker_id,
    }


def test_every_route_that_changes_something_leaves_an_entry(
    settings: Settings,
    audit_entries: AuditEntries,
    submit: "Submit",
    hand: "Hand",
    stored_checkpoint: Any,
    experiment_body: Body,
    job_body: Body,
) -> None:
    from fastapi.testclient import TestClient

    bodies = {"body": json.dumps(experiment_body), "job_body": json.dumps(job_body)}
    app = create_app(settings)
    assert {route.name for route in unsafe_routes(app)} - WRITE_NOTHING == set(CHANGING_REQUESTS), (
        "give each route that changes something a request there, and none to those that are gone"
    )
    with TestClient(app, raise_server_exceptions=False, headers=AS_ADMIN) as client:
        for name, ask in CHANGING_REQUESTS.items():
            answer = ask(client, make_subjects(submit, hand, stored_checkpoint) | bodies)
            assert answer.status_code < 400, (name, answer.text[-2000:])
            entry = audit_entries()[-1]
            assert (entry.action, entry.request_id) == (name, answer.headers["X-Request-ID"])
            assert name in ALONE or (entry.subject_kind in KINDS and entry.subject_id), name
            if name not in LEFT_AS_IT_WAS:
                assert entry.before != entry.after, name


def test_a_route_that_knows_nothing_of_it_leaves_an_entry_and_a_failure_none(
    settings: Settings,
    audit_entries: AuditEntries,
    submit: "Submit",
    hand: "Hand",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fastapi.testclient import TestClient

    for name in ("new_route", "nameless"):
        monkeypatch.setitem(RULES, name, Rule(role=Role.ADMIN))  # type: ignore[arg-type]
    job_id = hand.jobs(submit())[0].id
    app = create_app(settings)

    @app.post("/new-route/{job_id}")
    def new_route(job_id: str, fails: bool = False) -> None:
        with app.state.resources.write.begin() as session:
            session.execute(update(Job).where(Job.id == job_id).values(label="by a statement"))
            if fails:
                raise RuntimeError("before the commit")

    @app.post("/nameless")
    def nameless() -> None:
        with app.state.resources.write.begin() as session:
            session.add(Event(kind="x", message="x"))

    with TestClient(app, raise_server_exceptions=False, headers=AS_ADMIN) as client:
        assert client.post(f"/new-route/{job_id}?fails=true").status_code == 500
        assert audit_entries() == []
        assert client.post(f"/new-route/{job_id}").status_code == 200
        assert client.post("/nameless").status_code == 200
    told, nothing = audit_entries()
    assert (told.action, told.subject_id) == ("new_route", job_id)
    assert (told.before, told.after) == (
        {"name": "teacher", "label": "teacher"},
        {"name": "teacher", "label": "by a statement"},
    )
    assert (nothing.action, nothing.subject_id) == ("nameless", None)
