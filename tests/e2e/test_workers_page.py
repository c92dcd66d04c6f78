"""The page of the workers, in a browser."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.models import Worker
from service.db.types import utc_now

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
GPUS = [{"uuid": "GPU-a", "name": "NVIDIA H100", "memory_mib": 81920}]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _register(sessions: Sessions, host: str, **columns: object) -> str:
    devices = {"gpus": GPUS, "slots": 1, "cpus": 16}
    with sessions.begin() as session:
        made = ledger.register_worker(session, host=host, pid=1, version="1.2.3", devices=devices)
        if columns:
            session.execute(update(Worker).where(Worker.id == made).values(**columns))
    return made


def test_without_workers_the_page_says_how_to_start_one(page: "Page", server_url: str) -> None:
    page.goto(f"{server_url}/workers")
    assert "python -m workers" in page.inner_text(".empty")
    page.click("text=Experiments")
    page.wait_for_url(f"{server_url}/")


def test_workers_are_shown_with_what_they_have_run_and_use_and_the_queue(
    page: "Page", server_url: str, sessions: Sessions, submit: "Submit", hand: "Hand"
) -> None:
    submit(name="one")
    submit(name="two")
    lease = hand.take()
    usage = {"cpu": 0.5, "memory": 0.25, "gpus": [{"uuid": "GPU-a", "busy": 0.93, "memory": 0.5}]}
    _register(sessions, "gpu-host", usage=usage)
    page.goto(f"{server_url}/workers")
    shown = page.inner_text(f"[data-worker='{hand.worker_id}']")
    assert "here" in shown
    assert f"teacher {lease.job_id[:6]}" in shown
    gpu = page.inner_text("tr:has-text('gpu-host')")
    assert "NVIDIA H100 80 GiB" in gpu
    assert "93 %" in gpu
    assert "25 % of memory" in gpu
    facts = page.inner_text(".facts").split()
    assert facts[facts.index("Running") + 1] == "1"
    assert facts[facts.index("Queued") + 1] == "1"
    assert re.search(r"\d+ s in the median", page.inner_text(".facts"))
    [queued] = page.locator("[data-queued]").all_inner_texts()
    assert re.match(r"teacher \w{6}\s+two\s+0\s+0\s+\d+ s", queued)


def test_one_that_drains_is_called_so_and_gone_ones_show_only_where_they_are_missed(
    page: "Page", server_url: str, sessions: Sessions
) -> None:
    draining = _register(sessions, "a", desired_state="drain")
    replaced = _register(sessions, "a", state="offline")
    missed = _register(sessions, "b", state="offline")
    lost = _register(sessions, "a", state="lost")
    forgotten = _register(sessions, "c", state="lost", heartbeat_at=utc_now() - timedelta(days=2))
    page.goto(f"{server_url}/workers")
    shown = page.locator("[data-worker]").evaluate_all("rows => rows.map(row => row.dataset.worker)")
    assert shown == [draining, lost, missed]
    assert replaced not in shown
    assert forgotten not in shown
    assert "drained" in page.inner_text(f"[data-worker='{draining}']")


def test_what_changes_appears_without_a_reload(page: "Page", server_url: str, sessions: Sessions) -> None:
    page.goto(f"{server_url}/workers")
    page.wait_for_selector("#connection[data-state='live']")
    _register(sessions, "newcomer")
    page.wait_for_selector("text=newcomer", timeout=15_000)
