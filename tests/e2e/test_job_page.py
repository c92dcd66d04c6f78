"""The page of a job, in a browser: curves, log, files, attempts, and where it differs from its siblings."""

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from frs_core.events import MetricEvent
from service.db import ledger
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Actor

PATIENCE = 60_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def running(actor: "Actor", unfinished: str) -> ledger.Lease:
    """A job in training, with 2,000 steps of a loss that spikes once, and a log of 1,200 lines."""
    lease = actor.hand.take()
    values = [
        {"train/loss": 9.0 if step == 777 else 1.0, "train/lr": 0.001, "host/step_seconds": 0.1}
        for step in range(2000)
    ]
    actor.record(
        lease, *(MetricEvent(time=1.0, step=step, values=value) for step, value in enumerate(values))
    )
    with actor.sessions.begin() as session:
        offset = 0
        for start in range(0, 1200, 100):
            text = "".join(f"line {number} of the log\n" for number in range(start, start + 100))
            ledger.append_log(session, lease, offset=offset, text=text)
            offset += len(text)
    return lease


def test_curves_show_a_spike_of_one_step_and_zoom_asks_anew(
    page: "Page", server_url: str, running: ledger.Lease
) -> None:
    page.goto(f"{server_url}/jobs/{running.job_id}")
    chart = page.locator("figure[data-chart]", has_text="Loss").first
    chart.locator("canvas").wait_for(timeout=PATIENCE)
    chart.locator("summary").click()
    assert "9" in chart.locator("tbody td:nth-child(5)").all_inner_texts()
    over = chart.locator(".u-over")
    with page.expect_request(re.compile(r"metrics/chart.*first=")) as asked:
        over.drag_to(over, source_position={"x": 40, "y": 40}, target_position={"x": 120, "y": 40})
    first = re.search(r"first=(\d+)&last=(\d+)", asked.value.url)
    assert first is not None
    assert 0 < int(first[1]) < int(first[2]) < 2000
    chart.locator("figcaption", has_text="Steps").wait_for(timeout=PATIENCE)
    with page.expect_request(lambda request: "metrics/chart" in request.url and "first=" not in request.url):
        chart.focus()
        page.keyboard.press("0")


def test_curves_are_drawn_anew_in_other_colours(page: "Page", server_url: str, running: ledger.Lease) -> None:
    page.goto(f"{server_url}/jobs/{running.job_id}")
    canvas = page.locator("figure[data-chart]", has_text="Loss").first.locator("canvas")
    canvas.wait_for(timeout=PATIENCE)
    page.click("#theme")
    light = canvas.evaluate("each => each.toDataURL()")
    page.click("#theme")
    assert canvas.evaluate("each => each.toDataURL()") != light


def test_a_curve_grows_while_the_job_runs(
    page: "Page", server_url: str, running: ledger.Lease, actor: "Actor"
) -> None:
    page.goto(f"{server_url}/jobs/{running.job_id}")
    page.wait_for_selector("#connection[data-state=live]", timeout=PATIENCE)
    chart = page.locator("figure[data-chart]", has_text="Loss").first
    chart.locator("figcaption", has_text="loss 1 at the end").wait_for(timeout=PATIENCE)
    actor.record(running, MetricEvent(time=2.0, step=2000, values={"train/loss": 0.25}))
    actor.train(running, epoch=6, loss=0.25)
    chart.locator("figcaption", has_text="loss 0.25 at the end").wait_for(timeout=PATIENCE)


def test_the_log_ends_with_its_last_lines_goes_back_and_is_searched(
    page: "Page", server_url: str, running: ledger.Lease
) -> None:
    page.goto(f"{server_url}/jobs/{running.job_id}")
    log = page.locator("#log-lines")
    log.locator("pre").wait_for(timeout=PATIENCE)
    lines = log.locator("pre").inner_text().splitlines()
    assert (len(lines), lines[-1]) == (500, "line 1199 of the log")
    log.locator("button").click()
    log.locator("pre >> nth=1").wait_for(timeout=PATIENCE)
    assert "line 200 of the log" in log.locator("pre >> nth=0").inner_text()
    page.fill("#log-search", "LINE 17 ")
    page.keyboard.press("Enter")
    log.locator("pre >> nth=1").wait_for(state="detached", timeout=PATIENCE)
    assert log.locator("pre").inner_text().strip() == "line 17 of the log"
    raw = httpx.get(f"{server_url}/api/v1/jobs/{running.job_id}/logs/download", headers=AS_ADMIN)
    assert raw.text.count("\n") == 1200


def test_a_failed_job_tells_why_and_where_it_differs(page: "Page", server_url: str, unfinished: str) -> None:
    jobs = httpx.get(f"{server_url}/api/v1/experiments/{unfinished}", headers=AS_ADMIN).json()["jobs"]
    [failed] = [job for job in jobs if job["state"] == "failed"]
    page.goto(f"{server_url}/jobs/{failed['id']}")
    assert "the loss of step 47 is not finite" in page.inner_text(".problem")
    assert "the loss of step 47" in page.inner_text("section:has(#attempts) tbody")
    assert "method.name" in page.inner_text("section:has(#siblings)")
    page.click("#timeline summary")
    assert page.locator(".timeline li").count() >= 2
    page.click("#spec-text summary")
    assert "fpn_channels: 32" in page.inner_text("#spec-text")


def test_stored_files_stand_with_their_hashes(page: "Page", server_url: str, finished: str) -> None:
    jobs = httpx.get(f"{server_url}/api/v1/experiments/{finished}", headers=AS_ADMIN).json()["jobs"]
    job = next(job for job in jobs if job["label"] == "frs" and job["seed"] == 0)
    page.goto(f"{server_url}/jobs/{job['id']}")
    link = page.locator("section:has(#files) a").first
    content = httpx.get(f"{server_url}{link.get_attribute('href')}", headers=AS_ADMIN)
    assert content.headers["X-Checksum-SHA256"] == page.locator(".hash").first.get_attribute("title")
