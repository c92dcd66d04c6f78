"""The list of experiments in a browser: its address is its state, and live updates disturb nobody."""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert, update
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Event, Experiment
from service.db.types import new_id, utc_now
from tests.e2e.test_dashboard import LIVE_MILLISECONDS, wait_until_live

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.conftest import Actor
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">",
    "x" * 200,
    "\u202eمرحبا بالعالم\u202d",
    "🧪🔥👩‍👩‍👧‍👦 z̶̢̛͚̤̙̹̪͖͈̱̖͕͎̼̜̭̺̝̫̎͂̑algo",
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def shown(page: "Page") -> list[str]:
    """The names of the rows."""
    return page.locator("[data-experiment] th").all_inner_texts()


def query(page: "Page") -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def settle(page: "Page", names: list[str]) -> None:
    """Wait until just these rows are shown."""
    page.wait_for_function(
        "names => JSON.stringify([...document.querySelectorAll('[data-experiment] th')]"
        ".map(cell => cell.innerText)) === JSON.stringify(names)",
        arg=names,
        timeout=LIVE_MILLISECONDS,
    )


def test_the_list_shows_states_progress_and_the_best_difference(
    page: "Page", server_url: str, finished: str, unfinished: str
) -> None:
    page.goto(server_url)
    done = page.inner_text(f"[data-experiment='{finished}']")
    assert re.search(
        r"blood-cells\s+succeeded\s+35\.7\s+frs ▲ \+1\.5\s+3/3\s+100 %\s+–\s+Ada\s+\d+ \w+ ago", done
    )
    row = page.locator(f"[data-experiment='{unfinished}']")
    assert re.search(r"street signs.*\s+running\s+–\s+–\s+0/1\s+47 %\s+\d+ min", row.inner_text())
    label = row.locator("svg[role=img]").get_attribute("aria-label")
    assert label == "1 succeeded, 1 running, 1 queued, 1 failed"
    assert page.inner_text("#total") == "2 experiments"


def test_search_filter_order_and_columns_live_in_the_address(
    page: "Page", server_url: str, submit: "Submit"
) -> None:
    for name, tags in (("alpha one", ["a"]), ("alpha two", ["b"]), ("beta", ["a", "b"])):
        submit(name=name, tags=tags)
    page.goto(server_url)
    page.keyboard.press("/")
    page.keyboard.type("alpha")
    settle(page, ["alpha two", "alpha one"])
    assert query(page) == {"search": ["alpha"]}
    page.click("th >> text=Name")
    settle(page, ["alpha one", "alpha two"])
    assert page.get_attribute("th:has(#sort-name)", "aria-sort") == "ascending"
    page.click("#menu-tag summary")
    page.click("#menu-tag a:has-text('b')")
    settle(page, ["alpha two"])
    assert not page.evaluate("document.querySelector('#menu-tag').open")
    page.click("#menu-columns summary")
    page.uncheck("#column-progress")
    page.check("#column-tags")
    page.wait_for_selector("td.is-tags")
    expected = {"search": ["alpha"], "sort": ["name"], "tag": ["b"],
                "columns": ["state,ap,delta,seeds,eta,tags,owner,created"]}  # fmt: skip
    assert query(page) == expected
    assert page.locator("td.is-progress").count() == 0
    page.reload()
    settle(page, ["alpha two"])
    assert query(page) == expected
    assert page.input_value("#search") == "alpha"
    assert page.locator("td.is-tags").count() == 1
    page.click("#clear")
    settle(page, ["alpha one", "alpha two", "beta"])
    page.go_back()
    settle(page, ["alpha two"])
    assert query(page) == expected
    assert page.input_value("#search") == "alpha"


def test_what_an_address_leaves_out_stays_out_in_another_order(
    page: "Page", server_url: str, submit: "Submit"
) -> None:
    for name in ("alpha", "beta"):
        submit(name=name)
    page.goto(f"{server_url}/?name=ALPHA&since=2020-01-01T00:00:00%2B01:00")
    settle(page, ["alpha"])
    page.click("th >> text=Name")
    page.wait_for_selector("th[aria-sort=ascending]")
    assert query(page) == {"name": ["ALPHA"], "since": ["2020-01-01T00:00:00+01:00"], "sort": ["name"]}
    settle(page, ["alpha"])
    page.click("#clear")
    settle(page, ["alpha", "beta"])


def test_going_back_undoes_a_search_in_one_step(page: "Page", server_url: str, submit: "Submit") -> None:
    for name in ("alpha", "alps", "beta"):
        submit(name=name)
    page.goto(server_url)
    page.click("#search")
    page.keyboard.type("al")
    settle(page, ["alps", "alpha"])
    page.keyboard.type("p")
    page.keyboard.type("h")
    settle(page, ["alpha"])
    page.go_back()
    settle(page, ["beta", "alps", "alpha"])
    assert (query(page), page.input_value("#search")) == ({}, "")


def test_the_page_works_without_scripts(page: "Page", server_url: str, submit: "Submit") -> None:
    for name in ("alpha", "beta"):
        submit(name=name, tags=[name])
    context = page.context.browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(f"{server_url}/?sort=name&columns=state,tags")
    plain.fill("#search", "bet")
    plain.press("#search", "Enter")
    assert shown(plain) == ["beta"]
    assert {name: query(plain)[name] for name in ("search", "sort")} == {"search": ["bet"], "sort": ["name"]}
    assert plain.locator("thead th").count() == 3
    plain.goto(f"{server_url}/")
    plain.click("#menu-tag summary")
    plain.click("#menu-tag a:has-text('alpha')")
    assert shown(plain) == ["alpha"]
    context.close()


def test_typing_goes_on_while_the_list_changes(page: "Page", server_url: str, submit: "Submit") -> None:
    submit(name="first")
    page.goto(server_url)
    wait_until_live(page)
    page.click("#menu-state summary")
    page.click("#search")
    page.evaluate(
        "document.querySelector('#menu-state').open = true; window.sameBox = document.activeElement"
    )
    for number in range(3):
        page.keyboard.type("fi"[number : number + 1] or "r")
        submit(name=f"fir number {number}")
        page.wait_for_selector(f"text=fir number {number}", timeout=LIVE_MILLISECONDS)
        assert page.evaluate("document.activeElement === window.sameBox")
        assert page.input_value("#search") == "fir"[: number + 1]
        assert page.evaluate("document.querySelector('#menu-state').open")
    assert page.evaluate("document.querySelector('#search').selectionStart") == 3
    page.wait_for_url(f"{server_url}/?search=fir")
    assert page.evaluate("document.activeElement === window.sameBox")


def test_a_live_update_asks_for_what_is_shown(
    page: "Page", server_url: str, submit: "Submit", actor: "Actor"
) -> None:
    other = submit(name="other")
    kept = submit(name="kept")
    page.goto(server_url)
    wait_until_live(page)
    page.click("#search")
    page.keyboard.type("kept")
    settle(page, ["kept"])
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    with actor.sessions.begin() as session:
        for each in (other, kept):
            session.execute(update(Experiment).where(Experiment.id == each).values(name=f"kept {each[:4]}"))
            session.add(Event(experiment_id=each, kind="experiment.changed", message="renamed"))
    settle(page, [f"kept {kept[:4]}", f"kept {other[:4]}"])
    assert page.get_attribute(f"[data-experiment='{kept}']", "aria-selected") == "true"


def test_rows_are_34_pixels_high_whatever_they_are_called(
    page: "Page", server_url: str, sessions: Sessions, finished: str, unfinished: str
) -> None:
    with sessions.begin() as session:
        for name in HOSTILE:
            spec = {"dataset": {"format": "<b>", "root": "/" + "d" * 250}}
            session.execute(insert(Experiment).values(id=new_id(), name=name, spec=spec, submitted_by=name))
    page.goto(f"{server_url}/?columns=state,ap,delta,seeds,progress,eta,dataset,tags,owner,created")
    heights = page.locator("[data-experiment]").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 2 + len(HOSTILE)
    assert {round(height) for height in heights} <= {34, 35}, "34, and a line between two"
    titles = page.locator("[data-experiment] th a").evaluate_all("links => links.map(link => link.title)")
    assert set(HOSTILE) <= set(titles)
    assert page.locator("[data-experiment] script, [data-experiment] img").count() == 0
    assert "taken" not in page.title()
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_walks_the_rows_and_opens_one(page: "Page", server_url: str, submit: "Submit") -> None:
    ids = [submit(name=f"number {number}") for number in range(3)]
    page.goto(server_url)
    for key, chosen in (("j", 2), ("j", 1), ("j", 0), ("k", 1)):
        page.keyboard.press(key)
        row = page.locator("[aria-selected=true]")
        assert row.get_attribute("data-experiment") == ids[chosen]
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server_url}/experiments/{ids[1]}")


def test_older_and_newest_lead_through_all_pages(page: "Page", server_url: str, sessions: Sessions) -> None:
    with sessions.begin() as session:
        rows = [
            {"id": new_id(), "name": f"number {number}", "spec": {"dataset": {"format": "voc"}},
             "created_at": utc_now()}
            for number in range(120)
        ]  # fmt: skip
        session.execute(insert(Experiment), rows)
    page.goto(server_url)
    page.wait_for_selector("#total:text-is('120 experiments')", timeout=LIVE_MILLISECONDS)
    seen = shown(page)
    for first in (69, 19):
        page.click("text=Older")
        page.wait_for_selector(f"[data-experiment]:first-child >> text=number {first}")
        seen += shown(page)
    assert seen == [f"number {number}" for number in range(119, -1, -1)]
    assert page.locator("text=Older").count() == 0
    page.click("text=Newest")
    page.wait_for_url(f"{server_url}/")
    assert page.evaluate("document.querySelector('[data-experiment] th').innerText") == "number 119"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "frs submit examples/demo.yaml"),
        ("/?search=nothing&state=failed", "Show all active ones"),
        ("/?archived=true", "/api/v1/experiments/ID/archive"),
    ],
)
def test_an_empty_list_says_what_to_do_next(page: "Page", server_url: str, path: str, says: str) -> None:
    page.goto(f"{server_url}{path}")
    assert says in page.inner_text(".empty")
