"""What pages say and offer of retention and of the garbage: the form, the button, and who gets which."""

import re
from typing import TYPE_CHECKING

import pytest

from frs_core.events import CheckpointKind
from service.access.roles import Role
from service.db.models import Experiment
from tests.fixtures.callers import ClientOf, MakeCaller
from tests.fixtures.server import TEST_KEY

if TYPE_CHECKING:
    from fastapi.testclient import TestClient
    from sqlalchemy.orm import Session, sessionmaker

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

API = "/api/v1"
HTML = {"Accept": "text/html"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def experiment(submit: "Submit", hand: "Hand") -> str:
    """One whose teacher has ended with a state."""
    found = submit(methods=["none"])
    lease = hand.take()
    hand.save(lease, CheckpointKind.STATE, 5, uri=f"file:jobs/{lease.job_id}/1/state")
    hand.finish(lease)
    return found


def page(client: "TestClient", path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, answer.text
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    return str(answer.text)


def field(text: str, name: str) -> str:
    found = re.search(rf'<input[^>]* name="{name}"[^>]*>', text)
    assert found is not None
    return found[0]


def test_the_form_is_filled_with_the_policy_in_force(api: "TestClient", experiment: str) -> None:
    rules = f"{API}/experiments/{experiment}/retention"
    shown = page(api, f"/experiments/{experiment}")
    assert "Garbage collection keeps everything." in shown
    assert f'data-action="PUT {rules}"' in shown
    assert f'data-action="DELETE {rules}"' not in shown, "there is nothing to clear"
    assert [" checked" in field(shown, name) for name in ("best", "last")] == [True, True]
    assert 'value=""' in field(shown, "every_epochs")
    api.put(rules, json={"best": False, "every_epochs": 10, "days": 2})
    shown = page(api, f"/experiments/{experiment}")
    assert "Garbage collection keeps only: last, every 10 epochs, younger than 2 days." in shown
    assert f'data-action="DELETE {rules}"' in shown
    assert [" checked" in field(shown, name) for name in ("best", "last")] == [False, True]
    values = {"every_epochs": "10", "every_steps": "", "days": "2"}
    assert [f'value="{value}"' in field(shown, name) for name, value in values.items()] == [True] * 3


@pytest.mark.parametrize(
    ("name", "role", "may_change", "may_collect"),
    [
        ("owner", Role.SUBMITTER, True, False),
        ("stranger", Role.SUBMITTER, False, False),
        ("viewer", Role.VIEWER, False, False),
        ("operator", Role.OPERATOR, True, True),
    ],
)
def test_all_see_what_is_kept_and_only_who_may_change_it_gets_the_form(
    api: "TestClient", client_of: ClientOf, make_caller: MakeCaller, experiment: str,
    sessions: "sessionmaker[Session]", name: str, role: Role, may_change: bool, may_collect: bool,
) -> None:  # fmt: skip
    api.put(f"{API}/experiments/{experiment}/retention", json={})
    caller = make_caller(name, role)
    if name == "owner":
        with sessions.begin() as session:
            session.get_one(Experiment, experiment).owner_key_id = caller.key_id
    client = client_of(caller)
    shown, storage = page(client, f"/experiments/{experiment}"), page(client, "/storage")
    assert "keeps only: best, last." in shown
    assert ("/retention" in shown, 'name="best"' in shown) == (may_change, may_change)
    assert f'<a href="/experiments/{experiment}#retention">best, last</a>' in storage
    assert ("data-action" in storage) is may_collect


def test_the_button_names_the_plan_that_is_shown(api: "TestClient", experiment: str) -> None:
    assert "data-action" not in page(api, "/storage"), "there is nothing to delete"
    api.put(f"{API}/experiments/{experiment}/retention", json={})
    plan = api.post(f"{API}/gc").json()["plan"]
    shown = page(api, "/storage")
    action = re.search(r'data-action="POST (\S+)" data-confirm="Delete this file of plan (\w+),', shown)
    assert action is not None
    assert action[2] == plan
    done = api.post(action[1].replace("&amp;", "&")).json()
    assert (done["plan"], done["deleted"], done["num_items"]) == (plan, True, 1)
    assert f"gone: plan {plan}, 1 file, 3 B" in page(api, "/audit")
    assert "data-action" not in page(api, "/storage")


def test_a_browser_saves_with_the_token_of_the_page_alone(api: "TestClient", experiment: str) -> None:
    del api.headers["Authorization"]
    api.post("/login", data={"key": str(TEST_KEY)}, headers=HTML)
    rules = f"{API}/experiments/{experiment}/retention"
    assert api.put(rules, json={}).status_code == 403
    token = re.search(r'name="csrf-token" content="([^"]+)"', page(api, f"/experiments/{experiment}"))
    assert token is not None
    headers = {"X-CSRF-Token": token[1]}
    assert api.put(rules, json={"every_epochs": 4}, headers=headers).status_code == 200
    told = page(api, f"/experiments/{experiment}")
    assert "put retention" in told
    assert "retention every epochs: – → 4" in told
