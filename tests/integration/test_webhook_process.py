"""The keeper tells webhooks by a process beside it; whatever dies, nothing is lost and the id stays."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from service.access.roles import Role
from service.db import api_keys, webhooks
from service.db.models import Delivery, Webhook
from service.db.types import utc_now
from tests.fixtures.receivers import Receiver
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


@contextmanager
def keeper(database_url: str, receiver: Receiver, data_dir: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A keeper in a process group of its own, with what it starts."""
    environment = os.environ | {
        "FRS_DATABASE_URL": database_url, "FRS_BROKER_URL": "", "FRS_DATA_DIR": str(data_dir),
        "FRS_WEBHOOK_PRIVATE_HOSTS": receiver.host,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "service.jobs.keeper"],
        env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_what_a_killed_keeper_was_sending_the_next_one_sends_again_under_the_same_id(
    database_url: str, sessions: Sessions, receiver: Receiver, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        owner = api_keys.create_key(session, name="ada", role=Role.SUBMITTER)[0].id
        hook = Webhook(
            owner_key_id=owner, name="lab", url=receiver.url(), host=receiver.host, payload="json",
            events=["job.failed"], secret=webhooks.new_secret(),
        )  # fmt: skip
        session.add(hook)
        session.flush()
        webhooks.add_delivery(session, hook, event_id="e1", event="webhook.test", body="{}")
    asked, over = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        asked.set()
        over.wait(60)

    receiver.answer = hang
    with keeper(database_url, receiver, tmp_path):
        assert asked.wait(60)
    over.set()
    receiver.answer = None
    with sessions.begin() as session:
        [row] = session.scalars(select(Delivery))
        assert (row.state, row.num_attempts) == ("pending", 1)
        session.execute(update(Delivery).values(not_before=utc_now()))  # instead of waiting so long
    with keeper(database_url, receiver, tmp_path):
        wait_until(lambda: delivered(sessions))
    assert [each.headers["webhook-id"] for each in receiver.received] == ["e1", "e1"]


def delivered(sessions: Sessions) -> bool:
    with sessions() as session:
        return session.scalars(select(Delivery.state)).one() == "delivered"
