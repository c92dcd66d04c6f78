"""Every route against every kind of caller: who is let in is what the one table says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from service.access.caller import Caller
from service.access.policy import PUBLIC, RULES
from service.access.roles import Role
from service.api.app import create_app
from service.api.route_table import Entry, RouteTable, UnruledRouteError
from service.db import api_keys, webhooks
from service.db.engine import create_engine, session_factory
from service.db.models import Webhook
from service.db.types import new_id, utc_now
from service.jobs.register import register_folder
from service.jobs.submit import submit_experiment
from service.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from frs_core.spec import DatasetSpec
    from tests.fixtures.submissions import MakeSpec

ENTRIES = RouteTable(create_app(Settings(database_url="sqlite://"))).entries
SAFE = {"GET", "HEAD"}
UNKEYED = ("nobody", "unknown", "wrong secret", "expired", "revoked")
CHANGES_NOTHING_THERE = {"clone_experiment", "clone_job", "predict"}
"""What is made of another's experiment or job leaves that as it is."""
NOT_FOR_VIEWERS = {
    "show_form": Role.SUBMITTER,
    "list_webhooks": Role.SUBMITTER,
    "get_webhook": Role.SUBMITTER,
    "list_deliveries": Role.SUBMITTER,
    "get_delivery": Role.SUBMITTER,
    "show_webhooks": Role.SUBMITTER,
    "list_audit": Role.OPERATOR,
    "show_audit": Role.OPERATOR,
}
"""What is only read, and not by everybody."""
NOT_GOOD_ENOUGH = {"enter_with_ticket": 401, "log_in": 401, "download_linked": 403}
"""What is answered, whoever asks, to a ticket, a form or an address without a secret that is right."""
READERS_TOO = {"log_out", "create_ticket", "link_artifact", "link_checkpoint"}
"""What changes nothing but the caller's own way in, or to a file that it may read."""


@dataclass(frozen=True)
class World:
    """A server, and the headers of all kinds of callers. `submitter` is the owner, `stranger` another one."""

    client: "TestClient"
    sessions: sessionmaker[Session]
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)

    def admit(self, name: str, role: Role, **columns: object) -> None:
        """Make a key for a caller of that name."""
        with self.sessions.begin() as session:
            row, key = api_keys.create_key(session, name=name, role=role)
            for column, value in columns.items():
                setattr(row, column, value)
        self.headers[name] = {"Authorization": f"Bearer {key}"}
        self.callers[name] = Caller(key_id=row.id, name=name, role=role)

    def ask(self, entry: Entry, method: str, name: str, ids: dict[str, str]) -> int:
        """The status that the caller is answered with."""
        answer = self.client.request(
            method, entry.path.replace(":path}", "}").format(**ids), headers=self.headers[name]
        )
        assert answer.status_code < 500, answer.text
        return answer.status_code


@pytest.fixture(scope="module")
def world(sqlite_template: "Path", tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from fastapi.testclient import TestClient

    folder = tmp_path_factory.mktemp("matrix")
    (folder / "frs.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{folder / 'frs.db'}"
    many = {"failed_logins_per_minute": 10**6, "requests_per_minute": 10**6}
    usual = Settings(data_dir=folder, database_url=url, broker_url="", artifacts_url="")
    app = create_app(usual.model_copy(update=many))
    app.state.closing.set()  # a stream of events ends at once
    engine = create_engine(url)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        found = World(client, session_factory(engine))
        for role in Role:
            found.admit(role.value, role)
        found.admit("stranger", Role.SUBMITTER)
        found.admit("expired", Role.ADMIN, expires_at=utc_now() - timedelta(seconds=1))
        found.admit("revoked", Role.ADMIN, revoked_at=utc_now())
        found.headers["nobody"] = {}
        found.headers["unknown"] = {"Authorization": f"Bearer frs_{'0' * 16}_{'A' * 22}"}
        key = found.headers["admin"]["Authorization"]
        found.headers["wrong secret"] = {"Authorization": key[:-22] + "A" * 22}
        yield found
    engine.dispose()


@pytest.fixture
def ids(world: World, make_spec: "MakeSpec") -> dict[str, str]:
    """Path parameters: an experiment of the submitter's, one of its jobs, and names of nothing."""
    with world.sessions.begin() as session:
        made = submit_experiment(session, make_spec(), dataset_report=None, owner=world.callers["submitter"])
        session.refresh(made, ["jobs"])
        job_id = made.jobs[0].id
        key_id = api_keys.create_key(session, name="to be changed", role=Role.VIEWER)[0].id
        dataset_id = register(session, world, make_spec().dataset)
        webhook = Webhook(
            owner_key_id=world.callers["submitter"].key_id, name="lab", url="https://hooks.example/",
            host="hooks.example", payload="json", events=["job.failed"], secret=webhooks.new_secret(),
        )  # fmt: skip
        session.add(webhook)
        session.flush()
        webhook_id = webhook.id
    known = {
        "experiment_id": made.id,
        "job_id": job_id,
        "key_id": key_id,
        "dataset_id": dataset_id,
        "webhook_id": webhook_id,
    }
    return {name: known.get(name, "none") for entry in ENTRIES for name in entry.params}


def register(session: Session, world: World, spec: "DatasetSpec") -> str:
    """The name of a data set of the submitter's."""
    name, owner = f"cells-{new_id()}", world.callers["submitter"].key_id
    register_folder(session, name, spec, visible=True, owner_key_id=owner, max_attempts=1)
    return name


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_route_serves_whom_the_table_names_and_refuses_all_others(
    world: World, ids: dict[str, str], entry: Entry
) -> None:
    for method in sorted(entry.methods or SAFE):
        statuses = {name: world.ask(entry, method, name, ids) for name in (*UNKEYED, "viewer", "stranger")}
        # the refused ones come first: they must leave what they ask for as it is
        statuses |= {name: world.ask(entry, method, name, ids) for name in ("submitter", "operator", "admin")}
        assert statuses == {name: expected(entry, name, status) for name, status in statuses.items()}


def expected(entry: Entry, name: str, status: int) -> int:
    """The status that caller must get; any but 401 and 403 where it is let in."""
    if entry.name in PUBLIC:
        return status if status not in {401, 403} or status == NOT_GOOD_ENOUGH.get(entry.name) else 0
    if name in UNKEYED:
        return 401
    rule = RULES[entry.name]
    role = Role.SUBMITTER if name == "stranger" else Role(name)
    refused = not role.includes(rule.role) or (rule.own and name == "stranger")
    return 403 if refused else status if status not in {401, 403} else 0


def test_what_refused_callers_asked_for_was_not_done(world: World, ids: dict[str, str]) -> None:
    path = f"/api/v1/experiments/{ids['experiment_id']}"
    for name in ("stranger", "viewer", "nobody", "revoked"):
        assert world.client.delete(path, headers=world.headers[name]).status_code in {401, 403}
    assert world.client.get(path, headers=world.headers["viewer"]).json()["job_states"]["queued"] == 1


def test_the_table_has_a_rule_for_each_route_and_none_for_what_is_not_there() -> None:
    assert {entry.name for entry in ENTRIES} == RULES.keys() | PUBLIC


def test_what_only_reads_is_for_viewers_and_what_changes_is_not() -> None:
    for entry in ENTRIES:
        if entry.name in PUBLIC or entry.name in READERS_TOO:
            continue
        rule = RULES[entry.name]
        reads = entry.methods is None or entry.methods <= SAFE
        if entry.path.startswith("/api/v1/keys"):
            assert rule.role is Role.ADMIN, entry.name
        elif entry.name in NOT_FOR_VIEWERS:
            assert rule.role is NOT_FOR_VIEWERS[entry.name], entry.name
        else:
            assert reads == (rule.role is Role.VIEWER), entry.name
        named = entry.params & {"experiment_id", "job_id", "dataset_id"}
        if not reads and named and entry.name not in CHANGES_NOTHING_THERE:
            assert rule.own, f"{entry.name} lets a submitter change what is not its own"


def bare(tmp_path: "Path") -> FastAPI:
    return create_app(Settings(data_dir=tmp_path, database_url="sqlite://", artifacts_url=""))


def test_an_application_with_a_route_without_a_rule_does_not_start(tmp_path: "Path") -> None:
    from fastapi.testclient import TestClient

    app = bare(tmp_path)
    app.get("/api/v1/new")(lambda: "anything")
    with pytest.raises(UnruledRouteError, match=r"/api/v1/new.* has no rule"), TestClient(app):
        pass


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("/again", "healthz", "two routes are called healthz"),
        ("/api/v1/sweep", "cancel_job", "two routes"),
    ],
)
def test_a_route_does_not_inherit_a_rule_by_taking_anothers_name(
    tmp_path: "Path", path: str, name: str, words: str
) -> None:
    app = bare(tmp_path)
    app.post(path, name=name)(lambda: "anything")
    with pytest.raises(UnruledRouteError, match=words):
        RouteTable(app)


def test_a_route_that_is_added_later_is_not_served_to_anybody(world: World, tmp_path: "Path") -> None:
    from fastapi.testclient import TestClient

    app = bare(tmp_path)
    with TestClient(app, raise_server_exceptions=False) as client:
        app.get("/late")(lambda: "anything")
        answer = client.get("/late", headers=world.headers["admin"])
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:frs-distill:problem:not-admitted")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/",
        "//api/v1/jobs",
        "/static/../api/v1/jobs",
        "/static/%2e%2e/api/v1/jobs",
        "/api/v1%2fjobs",
        "/API/v1/jobs",
        "/api/v1/jobs;x",
        "/healthz/../api/v1/jobs",
        "/login/x/../../api/v1/jobs",
        "/api/v1/jobs%0a",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "get"])
def test_no_spelling_of_a_path_or_method_gets_past(world: World, path: str, method: str) -> None:
    answer = world.client.request(method, f"http://testserver{path}")
    assert answer.status_code in {401, 404, 405}
    assert "items" not in answer.text
