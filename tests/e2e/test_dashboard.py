"""The pages in a real browser, before a real server."""

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from service.settings import Settings
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Actor
    from tests.fixtures.submissions import Submit

LIVE_MILLISECONDS = 60_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a browser shows does not depend on the kind of database."""
    return sqlite_url


def wait_until_live(page: "Page") -> None:
    page.wait_for_selector("#connection[data-state=live]", timeout=LIVE_MILLISECONDS)


def test_an_empty_list_tells_how_to_submit_and_fills_itself(
    page: "Page", server_url: str, submit: "Submit"
) -> None:
    page.goto(server_url)
    assert "frs submit examples/demo.yaml" in page.inner_text("main")
    wait_until_live(page)
    experiment_id = submit(name="newcomer")
    page.wait_for_selector(f"[data-experiment='{experiment_id}']", timeout=LIVE_MILLISECONDS)
    assert "newcomer" in page.inner_text("main")


def test_a_page_that_gets_no_stream_tries_again_until_it_does(
    page: "Page", server_url: str, submit: "Submit"
) -> None:
    with ExitStack() as others:
        for _ in range(Settings().streams_per_key):
            stream = httpx.stream("GET", f"{server_url}/api/v1/events", headers=AS_ADMIN, timeout=30)
            assert others.enter_context(stream).status_code == 200
        page.goto(server_url)
        page.wait_for_selector("#connection[data-state=reconnecting]", timeout=LIVE_MILLISECONDS)
        experiment_id = submit(name="unseen")
    wait_until_live(page)
    page.wait_for_selector(f"[data-experiment='{experiment_id}']", timeout=LIVE_MILLISECONDS)


def test_an_experiment_shows_its_comparison_in_points(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished[:6]}")
    cells = page.locator("tr[data-label='frs'] > *").all_inner_texts()
    assert cells[:5] == ["frs", "3", "35.7 ± 0.6", "+1.5 ± 0.2", "22 %"]
    assert cells[-1] == "n/a"
    assert "images load slower than it trains" in page.inner_text("main")
    for link in page.locator("section .heading .links a, td.links a").all():
        answer = httpx.get(f"{server_url}{link.get_attribute('href')}", headers=AS_ADMIN)
        assert answer.status_code == 200
        assert answer.content


def test_an_experiment_tells_why_a_job_failed(page: "Page", server_url: str, unfinished: str) -> None:
    page.goto(f"{server_url}/experiments/{unfinished}")
    assert "the loss of step 47 is not finite" in page.inner_text("tr.reason-failed")


def test_changes_in_the_database_appear_without_a_reload(
    page: "Page", server_url: str, unfinished: str, actor: "Actor"
) -> None:
    page.goto(f"{server_url}/experiments/{unfinished}")
    wait_until_live(page)
    page.evaluate("window.sameDocument = true")
    lease = actor.hand.take()
    row = page.locator(f"[data-job='{lease.job_id}']")
    row.locator(".state-running").wait_for(timeout=LIVE_MILLISECONDS)
    actor.train(lease, epoch=3, loss=0.5123, ap=0.1)
    row.locator("text=0.5123").wait_for(timeout=LIVE_MILLISECONDS)
    assert re.search(r"3/8\s+38 %\s+0\.5123\s+10\.0\s+2 min 30 s", row.inner_text())
    actor.succeed(lease, ap=0.2)
    row.locator(".state-succeeded").wait_for(timeout=LIVE_MILLISECONDS)
    assert page.locator("tr[data-label='frs-strong'] td >> nth=1").inner_text() == "20.0"
    assert page.evaluate("window.sameDocument")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(page: "Page", server_url: str, unfinished: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", f"/experiments/{unfinished}"):
        page.goto(f"{server_url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_experiment_that_is_not_there_leads_back_to_the_list(page: "Page", server_url: str) -> None:
    answer = page.goto(f"{server_url}/experiments/0000")
    assert answer is not None
    assert answer.status == 404
    page.click("text=All experiments")
    assert page.url == f"{server_url}/"
