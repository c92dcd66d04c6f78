"""The page of an experiment in a browser: the answer, figures, reports, and what is done with jobs."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Experiment, ExperimentTag, Job
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Actor

PATIENCE = 60_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def wait_until_live(page: "Page") -> None:
    page.wait_for_selector("#connection[data-state=live]", timeout=PATIENCE)


def test_page_csv_and_api_give_the_same_numbers(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    api = httpx.get(f"{server_url}/api/v1/experiments/{finished}/comparison", headers=AS_ADMIN).json()
    text = httpx.get(
        f"{server_url}/api/v1/experiments/{finished}/report?format=csv&wait=30", headers=AS_ADMIN
    ).text
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(text))}
    titles = page.locator(".figures thead th").first.locator("xpath=..").locator("th").all_inner_texts()
    for row in api["rows"]:
        cells = page.locator(f"tr[data-label='{row['label']}'] > *").all_inner_texts()
        shown = dict(zip(titles, cells, strict=True))
        mean, sd = row["metrics"]["ap"]["mean"], row["metrics"]["ap"]["sd"]
        assert shown["AP"] == (f"{100 * mean:.1f}" if sd is None else f"{100 * mean:.1f} ± {100 * sd:.1f}")
        assert float(lines[row["label"]]["ap_mean"]) == mean
        if row["label"] == "frs":
            assert shown["Δ AP"].startswith(f"{100 * row['delta_ap']:+.1f}")
            assert float(lines["frs"]["delta_ap"]) == row["delta_ap"]
    assert page.inner_text(".verdict").replace("\u00a0", " ") == api["verdict"]


def test_figures_come_with_captions_and_their_data(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    page.wait_for_selector("#figure-deltas svg", timeout=PATIENCE)
    figures = page.locator("figure.drawn").all()
    assert len(figures) == 2
    for figure in figures:
        assert figure.locator("figcaption").inner_text()
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() > 0
    assert page.locator("#figure-deltas tbody tr").first.inner_text().split() == [
        "frs",
        "+1.5",
        "0.2",
        "3",
        "n/a",
        "yes",
    ]


def test_another_baseline_is_an_address(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    page.select_option("#baseline", "frs")
    page.click("text=Show >> nth=0")
    page.wait_for_url(re.compile("baseline=frs"))
    assert page.locator("tr[data-label='none']").inner_text().split("\t")[3].startswith("−1.5")


@pytest.mark.parametrize("format", ["html", "pdf", "md", "tex", "csv", "json", "zip"])
def test_every_report_opens(page: "Page", server_url: str, finished: str, format: str) -> None:
    verdict = httpx.get(f"{server_url}/api/v1/experiments/{finished}/comparison", headers=AS_ADMIN).json()[
        "verdict"
    ]
    page.goto(f"{server_url}/experiments/{finished}")
    page.click("#reports summary")
    address = page.locator("#reports a", has_text=re.compile(f"^{format}$", re.IGNORECASE)).get_attribute(
        "href"
    )
    answer = httpx.get(f"{server_url}{address}", follow_redirects=True, timeout=60, headers=AS_ADMIN)
    while answer.headers["content-type"].startswith("text/html") and "is being made" in answer.text:
        answer = httpx.get(f"{server_url}{address}", follow_redirects=True, timeout=60, headers=AS_ADMIN)
    assert answer.status_code == 200
    told = answer.text
    if format == "pdf":
        told = "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(answer.content)).pages)
        told = told.replace("\n", " ")
    if format == "zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            told = archive.read("README.md").decode()
    if format == "html":
        page.goto(f"{server_url}{address}")
        told = page.inner_text("body")
    if format != "csv":
        assert verdict.split(" (")[0] in told.replace("\\ ", " ").replace("$-$", "−")


POLL = """address => document.querySelector("main").insertAdjacentHTML("beforeend",
    `<div id="rendering" hx-get="${address}" hx-trigger="every 500ms" hx-sync="this:drop"
      hx-select="#rendering" hx-swap="morph:outerHTML"></div>`) ?? htmx.process(document.body)"""


def test_a_report_that_was_waited_for_is_saved_once(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/report?" in request.url else None)
    with page.expect_download(timeout=PATIENCE) as saved:
        page.evaluate(POLL, f"/experiments/{finished}/report?format=zip")
    assert saved.value.suggested_filename == f"{finished}.zip"
    page.locator("#rendering", has_text="The report is done").wait_for(timeout=PATIENCE)
    polls.clear()
    page.wait_for_timeout(1200)
    assert polls == []


def test_an_opened_table_of_figures_stays_open_while_jobs_run(
    page: "Page", server_url: str, unfinished: str, actor: "Actor"
) -> None:
    lease = actor.hand.take()
    page.goto(f"{server_url}/experiments/{unfinished}")
    page.wait_for_selector("#connection[data-state=live]", timeout=PATIENCE)
    figure = page.locator("#drawings figure").first
    figure.locator("summary").click()
    with page.expect_response(lambda answer: "/figures?" in answer.url):
        actor.train(lease, epoch=2, loss=0.5, ap=0.1)
    page.wait_for_timeout(300)
    assert figure.locator("tbody").is_visible()


def test_a_report_that_takes_long_answers_202_with_its_progress(server_url: str, finished: str) -> None:
    answer = httpx.get(
        f"{server_url}/api/v1/experiments/{finished}/report?format=zip&wait=0", headers=AS_ADMIN
    )
    assert answer.status_code == 202
    assert 0 <= answer.json()["progress"] <= 1
    assert answer.json()["stage"]
    done = httpx.get(
        f"{server_url}{answer.headers['location']}",
        params={"format": "zip", "wait": 30},
        headers=AS_ADMIN,
        timeout=60,
    )
    assert done.status_code == 200
    assert done.content[:2] == b"PK"


def test_a_waiting_job_is_cancelled_paused_and_resumed_from_its_menu(
    page: "Page", server_url: str, unfinished: str
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{server_url}/experiments/{unfinished}")
    wait_until_live(page)
    row = page.locator("[data-job]", has=page.locator(".state-queued")).first
    job = page.locator(f"[data-job='{row.get_attribute('data-job')}']")
    for verb, state in (("Pause", "paused"), ("Resume", "queued"), ("Cancel", "cancelled")):
        job.locator(".menu summary").click()
        job.get_by_role("button", name=verb, exact=True).click()
        job.locator(f".state-{state}").wait_for(timeout=PATIENCE)


def test_what_is_refused_says_why(page: "Page", server_url: str, unfinished: str, actor: "Actor") -> None:
    page.goto(f"{server_url}/experiments/{unfinished}")
    wait_until_live(page)
    page.keyboard.press("p")
    page.wait_for_selector("#connection[data-state=paused]")
    job = page.locator("[data-job]", has=page.locator(".state-failed")).first
    job_id = job.get_attribute("data-job")
    httpx.post(f"{server_url}/api/v1/jobs/{job_id}/resume", headers=AS_ADMIN)
    httpx.post(f"{server_url}/api/v1/jobs/{job_id}/cancel", headers=AS_ADMIN)
    job.locator(".menu summary").click()
    job.get_by_role("button", name="Resume", exact=True).click()
    assert "cancelled" in page.locator("#notice").inner_text(timeout=PATIENCE)
    page.wait_for_timeout(100)


def test_updates_leave_what_a_person_opened_and_stop_when_paused(
    page: "Page", server_url: str, unfinished: str, actor: "Actor"
) -> None:
    page.goto(f"{server_url}/experiments/{unfinished}")
    wait_until_live(page)
    page.locator("#definitions summary").click()
    page.locator("#definitions summary").focus()
    lease = actor.hand.take()
    row = page.locator(f"[data-job='{lease.job_id}']")
    row.locator(".state-running").wait_for(timeout=PATIENCE)
    assert page.locator("#definitions").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details').id") == "definitions"
    page.click("#connection")
    page.wait_for_selector("#connection[data-state=paused]")
    actor.succeed(lease, ap=0.2)
    page.wait_for_timeout(2500)
    assert row.locator(".state-running").count() == 1
    page.click("#connection")
    row.locator(".state-succeeded").wait_for(timeout=PATIENCE)


def test_a_hidden_tab_asks_for_nothing_and_is_current_when_it_is_seen(
    page: "Page", server_url: str, unfinished: str, actor: "Actor"
) -> None:
    page.goto(f"{server_url}/experiments/{unfinished}")
    wait_until_live(page)
    show = """(hidden) => {
      Object.defineProperty(document, "hidden", {configurable: true, value: hidden});
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(show, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    lease = actor.hand.take()
    actor.train(lease, epoch=2, loss=0.5)
    page.wait_for_timeout(2500)
    assert asked == []
    page.evaluate(show, False)
    page.locator(f"[data-job='{lease.job_id}'] .state-running").wait_for(timeout=PATIENCE)


def test_colours_are_chosen_and_remembered(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    back = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(back)
    page.click("#theme")
    page.click("#theme")
    dark = page.evaluate(back)
    assert dark != light
    page.reload()
    assert page.evaluate(back) == dark
    assert "dark" in (page.get_attribute("#theme", "aria-label") or "")


HOSTILE = [
    "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "\u202egnp.exe " + "\U0001f600" * 20,
    "=HYPERLINK(1)" + "a" * 180,
    "{{ 7*7 }} %s \\input{x} #import ]] $x$",
]
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? []
  : [...document.querySelectorAll("body *")]
      .filter((each) => each.getBoundingClientRect().right > innerWidth && !each.closest(".scroll"))
      .map((each) => `${each.tagName}.${each.className} ${each.textContent.trim().slice(0, 40)}`)"""
FORMATS = ("html", "md", "tex", "csv", "json", "pdf", "zip")


@pytest.fixture
def hostile(finished: str, sessions: sessionmaker[Session]) -> Callable[[str], tuple[str, str]]:
    """Gives an experiment, its tag and one of its rows a name that no submission may bear; ids of both."""

    def rename(name: str) -> tuple[str, str]:
        with sessions.begin() as session:
            session.get_one(Experiment, finished).name = name[:200]
            session.execute(update(ExperimentTag).where(ExperimentTag.tag == "voc").values(tag=name[:64]))
            jobs = session.scalars(select(Job).where(Job.experiment_id == finished, Job.label == "frs")).all()
            for job in jobs:
                job.label, job.name, job.reason = name[:200], name[:200], name * 50
            return finished, jobs[0].id

    return rename


@pytest.mark.parametrize("name", HOSTILE, ids=["markup", "unicode", "formula", "templates"])
def test_hostile_names_are_text_on_every_page_and_in_every_report(
    page: "Page", server_url: str, hostile: Callable[[str], tuple[str, str]], name: str
) -> None:
    experiment, job = hostile(name)
    paths = (
        "/",
        f"/experiments/{experiment}",
        f"/jobs/{job}",
        f"/compare?experiment={experiment}",
        "/workers",
    )
    for path in paths:
        page.goto(f"{server_url}{path}")
        page.wait_for_selector("h1")
        assert page.title() != "owned"
        assert page.locator("main script, main img[src=x]").count() == 0
        assert page.evaluate(TOO_WIDE) == [], path
    page.goto(f"{server_url}/jobs/{job}")
    assert page.text_content("h1") == name[:200]
    for format in FORMATS:
        address = f"{server_url}/api/v1/experiments/{experiment}/report?format={format}&wait=30"
        answer = httpx.get(address, timeout=60, headers=AS_ADMIN)
        assert answer.status_code == 200, answer.text
        if format == "html":
            assert "<script" not in answer.text
            assert "<img src=x" not in answer.text
        if format == "csv" and name.startswith("="):
            assert [line["label"] for line in csv.DictReader(io.StringIO(answer.text))][
                -1
            ] == f"'{name[:200]}"
