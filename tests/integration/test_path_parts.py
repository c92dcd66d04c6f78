"""Parts of a path that name nothing, since no name is written so."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import DatasetSpec
from service.access.caller import Caller
from service.api.app import create_app
from service.api.route_table import RouteTable
from service.db import webhooks
from service.db.models import Job, Webhook
from service.jobs.register import register_folder
from service.settings import Settings
from tests.fixtures.callers import MakeCaller, key_of
from tests.fixtures.submissions import Submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]
NULL = "a%00b"
ROUTES = [
    (method, entry.path.replace(":path}", "}"), part, entry.params)
    for entry in RouteTable(create_app(Settings(database_url="sqlite://"))).entries
    for method in sorted(entry.methods or {"GET"})
    for part in sorted(entry.params)
]


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """The database that compares no text with a null character."""
    return postgresql_url


@pytest.fixture
def known(api: "TestClient", submit: Submit, sessions: Sessions, make_caller: MakeCaller) -> dict[str, str]:
    """By the name of a part, what is there."""
    experiment_id, owner = submit(), make_caller("owner").key_id
    with sessions.begin() as session:
        job = session.scalars(select(Job.id).where(Job.experiment_id == experiment_id)).first()
        register_folder(
            session, "cells", DatasetSpec(format="voc", root="/none"), visible=True, owner_key_id=owner,
            max_attempts=1,
        )  # fmt: skip
        webhook = Webhook(
            owner_key_id=owner, name="lab", url="https://hooks.example/", host="hooks.example",
            payload="json", events=["job.failed"], secret=webhooks.new_secret(),
        )  # fmt: skip
        session.add(webhook)
        session.flush()
        return {
            "experiment_id": experiment_id,
            "job_id": str(job),
            "dataset_id": "cells",
            "webhook_id": webhook.id,
            "split": "test",
            "image_id": "1",
        }


@pytest.mark.parametrize(("method", "path", "part", "parts"), ROUTES)
def test_a_null_character_in_a_path_names_nothing(
    api: "TestClient", known: dict[str, str], make_caller: MakeCaller,
    method: str, path: str, part: str, parts: frozenset[str],
) -> None:  # fmt: skip
    address = path.format(**{name: known.get(name, "1") for name in parts} | {part: NULL})
    for headers in ({}, key_of(make_caller("ada"))):
        answer = api.request(method, address, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("reference", [NULL, "a" * 81])
@pytest.mark.parametrize(
    ("method", "rest"),
    [("DELETE", ""), ("POST", "/archive"), ("POST", "/unarchive"), ("DELETE", "/versions/1"), ("GET", "")],
)
def test_a_data_set_that_cannot_be_called_so_is_not_found_by_anybody(
    api: "TestClient", make_caller: MakeCaller, reference: str, method: str, rest: str
) -> None:
    callers: tuple[Caller | None, ...] = (None, make_caller("ada"))
    for caller in callers:
        headers = key_of(caller) if caller else {}
        answer = api.request(method, f"/api/v1/datasets/{reference}{rest}", headers=headers)
        assert answer.status_code == 404, answer.text
        assert answer.json()["type"].endswith(":not-found")
