"""Who changed what, and how it was before: written with every change, read, rewritten by nobody."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session, sessionmaker

from service.access.roles import Role
from service.api.app import create_app
from service.db import audit
from service.db.models import AuditEntry
from service.db.types import utc_now
from service.settings import Settings
from tests.fixtures.audits import AuditEntries
from tests.fixtures.callers import ClientOf, MakeCaller
from tests.fixtures.server import AS_ADMIN, Body

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

API = "/api/v1"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, but for the tests that ask for both."""
    url: str = request.getfixturevalue(getattr(request, "param", "sqlite_url"))
    return url


both = pytest.mark.parametrize("database_url", ["sqlite_url", "postgresql_url"], indirect=True)


@both
def test_a_change_is_told_with_what_differs_and_who_made_it(
    client_of: ClientOf, make_caller: MakeCaller, audit_entries: AuditEntries, submit: "Submit"
) -> None:
    experiment, caller = submit(), make_caller("ada", Role.OPERATOR)
    client = client_of(caller)
    answer = client.patch(
        f"{API}/experiments/{experiment[:6]}", json={"name": "other", "tags": ["b", "a"]},
        headers={"X-Request-ID": "from-ada"},
    )  # fmt: skip
    assert answer.status_code == 200
    [entry] = audit_entries()
    assert (entry.key_id, entry.key_name, entry.role) == (caller.key_id, "ada", "operator")
    assert (entry.address, entry.request_id) == ("testclient", "from-ada")
    assert (entry.action, entry.subject_kind, entry.subject_id) == (
        "change_experiment",
        "experiment",
        experiment,
    )
    assert entry.before == {"name": "small", "tags": []}
    assert entry.after == {"name": "other", "tags": ["a", "b"]}


@both
def test_jobs_are_told_of_where_they_changed(
    client_of: ClientOf,
    make_caller: MakeCaller,
    audit_entries: AuditEntries,
    submit: "Submit",
    hand: "Hand",
) -> None:
    experiment = submit()
    teacher, *students = hand.jobs(experiment)
    client = client_of(make_caller(role=Role.OPERATOR))
    client.put(f"{API}/jobs/{students[0].id}/priority", json={"priority": 3})
    client.post(f"{API}/experiments/{experiment}/cancel")
    priority, cancel = audit_entries()
    assert (priority.before, priority.after) == (
        {"name": students[0].name, "priority": 0},
        {"name": students[0].name, "priority": 3},
    )
    assert cancel.before is not None
    assert cancel.after is not None
    assert {job: told["state"] for job, told in cancel.before["jobs"].items()} == {
        teacher.id: "queued", students[0].id: "waiting", students[1].id: "waiting",
    }  # fmt: skip
    assert {told["state"] for told in cancel.after["jobs"].values()} == {"cancelled"}


def test_what_is_new_and_what_is_gone_is_told_in_short(
    client_of: ClientOf, make_caller: MakeCaller, audit_entries: AuditEntries, experiment_body: Body
) -> None:
    caller = make_caller()
    client = client_of(caller)
    made = client.post(f"{API}/experiments", json=experiment_body, headers={"Idempotency-Key": "1"}).json()[
        "id"
    ]
    assert client.post(
        f"{API}/experiments", json=experiment_body, headers={"Idempotency-Key": "1"}
    ).status_code == 200  # fmt: skip
    clone = client.post(f"{API}/experiments/{made}/clone", json={}).json()["id"]
    client.delete(f"{API}/experiments/{made}")
    new, cloned, gone = audit_entries()
    assert (new.subject_id, cloned.subject_id, gone.subject_id) == (made, clone, made)
    assert new.before is None
    assert new.after == {
        "id": made, "name": "small", "owner_key_id": caller.key_id, "created_at": new.after["created_at"],
        "submitted_by": "ada", "tags": [], "cited": [], "num_jobs": 3,
    }  # fmt: skip
    assert cloned.after is not None
    assert cloned.after["from_experiment"] == made
    assert gone.after is None
    assert gone.before == new.after


@both
def test_where_a_webhook_goes_and_what_it_is_told_is_told_without_what_is_secret(
    client_of: ClientOf, make_caller: MakeCaller, audit_entries: AuditEntries
) -> None:
    client = client_of(make_caller("ada"))
    wish = {"name": "lab", "url": "https://8.8.8.8/T01/one", "events": ["job.failed"]}
    made = client.post(f"{API}/webhooks", json=wish).json()
    wish["url"] = "https://8.8.8.8/T01/other"
    client.put(f"{API}/webhooks/{made['id']}", json=wish)
    wish["events"] = ["job.failed", "experiment.finished"]
    client.put(f"{API}/webhooks/{made['id']}", json=wish)
    new, moved, more = audit_entries()
    assert new.after is not None
    assert moved.before == {"name": "lab", "url": new.after["url"]}
    assert moved.after is not None
    assert moved.after["url"] != new.after["url"]
    for entry in (new, moved):
        assert entry.after is not None
        assert entry.after["url"].startswith("https://8.8.8.8/... (sha256 ")
        assert "T01" not in str(entry.after)
    assert (more.before, more.after) == (
        {"name": "lab", "events": ["job.failed"]},
        {"name": "lab", "events": ["experiment.finished", "job.failed"]},
    )


def test_what_was_refused_leaves_no_entry(
    client_of: ClientOf,
    make_caller: MakeCaller,
    audit_entries: AuditEntries,
    submit: "Submit",
    hand: "Hand",
) -> None:
    client, experiment = client_of(make_caller(role=Role.OPERATOR)), submit()
    assert client.post(f"{API}/jobs/{hand.jobs(experiment)[0].id}/cancel").status_code == 200
    refused = client.post(f"{API}/jobs/{hand.jobs(experiment)[0].id}/resume")
    assert refused.status_code == 409
    assert [entry.action for entry in audit_entries()] == ["cancel_job"]


@both
def test_an_entry_is_in_the_transaction_of_its_change(
    settings: Settings, audit_entries: AuditEntries, submit: "Submit", hand: "Hand"
) -> None:
    from fastapi.testclient import TestClient

    experiment = submit()
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False, headers=AS_ADMIN) as client:

        @event.listens_for(app.state.resources.engine, "commit")
        def fail(_: object) -> None:
            raise RuntimeError("the connection broke")

        assert client.post(f"{API}/experiments/{experiment}/cancel").status_code == 500
    assert audit_entries() == []
    assert {job.state for job in hand.jobs(experiment)} == {"queued", "waiting"}


@both
def test_no_entry_is_ever_changed(
    api: "TestClient", sessions: sessionmaker[Session], audit_entries: AuditEntries, submit: "Submit"
) -> None:
    api.post(f"{API}/experiments/{submit()}/archive")
    with pytest.raises(DatabaseError, match="never changed"), sessions.begin() as session:
        session.execute(text("UPDATE audit_entries SET key_name = 'mallory'"))
    assert [entry.key_name for entry in audit_entries()] == ["tester"]


@both
def test_only_retention_forgets(sessions: sessionmaker[Session], audit_entries: AuditEntries) -> None:
    with sessions.begin() as session:
        for age in (40, 29, 0):
            session.add(AuditEntry(
                created_at=utc_now() - timedelta(days=age), key_name=f"{age} days", role="admin", action="x",
                subject_kind="job",
            ))  # fmt: skip
    with sessions.begin() as session:
        assert audit.forget(session, days=30) == 1
    assert [entry.key_name for entry in audit_entries()] == ["29 days", "0 days"]


@both
def test_the_trail_is_read_in_pages_and_narrowed_down(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit"
) -> None:
    first, second = submit(), submit()
    ada, eve = make_caller("ada", Role.OPERATOR), make_caller("eve", Role.OPERATOR)
    client_of(ada).post(f"{API}/experiments/{first}/archive")
    client_of(ada).post(f"{API}/experiments/{second}/archive")
    client = client_of(eve)
    client.post(f"{API}/experiments/{first}/unarchive")

    def told(**asked: Any) -> list[tuple[str, str]]:
        items = client.get(f"{API}/audit", params=asked).json()["items"]
        return [(item["key_name"], item["action"]) for item in items]

    assert told() == [
        ("eve", "unarchive_experiment"), ("ada", "archive_experiment"), ("ada", "archive_experiment"),
    ]  # fmt: skip
    assert told(key="eve") == told(key=eve.key_id) == told(action="unarchive_experiment") == told()[:1]
    assert [name for name, _ in told(subject=first)] == ["eve", "ada"]
    assert len(told(subject="experiment")) == 3
    assert told(subject="%") == told(subject="job") == []
    assert told(since=(utc_now() + timedelta(hours=1)).isoformat()) == []
    assert len(told(since=(utc_now() - timedelta(hours=1)).isoformat())) == 3
    page = client.get(f"{API}/audit", params={"limit": 2}).json()
    rest = client.get(f"{API}/audit", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [len(page["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    for wrong in (
        {"cursor": "WzFd!"},
        {"cursor": "W3RydWVd"},
        {"since": "2026-01-01T00:00:00"},
        {"limit": 0},
    ):
        assert client.get(f"{API}/audit", params=wrong).status_code == 422


def test_the_pages_tell_of_changes(
    client_of: ClientOf, make_caller: MakeCaller, submit: "Submit", hand: "Hand"
) -> None:
    experiment = submit()
    client = client_of(make_caller("<b>ada</b>", Role.OPERATOR))
    client.post(f"{API}/jobs/{hand.jobs(experiment)[0].id}/pause")
    client.patch(f"{API}/experiments/{experiment}", json={"tags": ["late"]})
    html = {"Accept": "text/html"}
    page = client.get("/audit?key=&action=&subject=", headers=html).text
    assert "<b>ada" not in page
    assert "&lt;b&gt;ada" in page
    assert "state: queued → paused" in page
    assert "tags: [] → late" in page
    assert "state: queued → paused" in client.get(f"/jobs/{hand.jobs(experiment)[0].id}", headers=html).text
    assert "change experiment" in client.get(f"/experiments/{experiment}", headers=html).text
    assert "No entry is like that" in client.get("/audit?action=nothing", headers=html).text


@pytest.mark.parametrize(("role", "shown"), [(Role.SUBMITTER, False), (Role.OPERATOR, True)])
def test_the_page_is_named_to_those_who_may_read_it(
    client_of: ClientOf, make_caller: MakeCaller, role: Role, shown: bool
) -> None:
    page = client_of(make_caller(role=role)).get("/workers", headers={"Accept": "text/html"}).text
    assert ('href="/audit"' in page) is shown
