"""The page that submits, in a browser."""

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.fixtures.submissions import Submit

CHECK_MILLISECONDS = 60_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def field(page: "Page", name: str) -> "Locator":
    return page.locator(f"[id='field-{name}']")


def said(page: "Page", name: str) -> str:
    return page.locator(f"[id='field-{name}-fault']").inner_text()


def wait_for(page: "Page", text: str) -> None:
    page.locator("#verdict", has_text=text).wait_for(timeout=CHECK_MILLISECONDS)


def tab_to(page: "Page", name: str) -> None:
    """Walk to a field or button as one without a mouse does."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_an_example_is_broken_mended_and_submitted_by_keyboard_alone(page: "Page", server_url: str) -> None:
    page.goto(server_url)
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url(f"{server_url}/submit")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Demo"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("example=demo"))
    wait_for(page, "5 jobs")

    tab_to(page, "field-schedule.epochs")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("many")
    wait_for(page, "1 fault")
    assert "valid integer" in said(page, "schedule.epochs")
    assert field(page, "schedule.epochs").get_attribute("aria-invalid") == "true"
    described = (field(page, "schedule.epochs").get_attribute("aria-describedby") or "").split()
    assert "field-schedule.epochs-fault" in described
    assert page.inner_text("#status") == "1 faults, 0 to fill in"
    page.keyboard.press("Enter")  # checks, and does not submit
    assert httpx.get(f"{server_url}/api/v1/experiments", headers=AS_ADMIN).json()["items"] == []

    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    wait_for(page, "5 jobs")
    assert said(page, "schedule.epochs") == ""
    assert field(page, "schedule.epochs").get_attribute("aria-invalid") is None
    assert "epochs: 3" in page.inner_text("#yaml-preview")
    assert page.inner_text("#command") == "frs submit demo.yaml"

    tab_to(page, "submit")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/experiments/\w+$"), timeout=CHECK_MILLISECONDS)
    assert page.inner_text("h1") == "demo"
    [made] = httpx.get(f"{server_url}/api/v1/experiments", headers=AS_ADMIN).json()["items"]
    assert page.url.endswith(made["id"])


def test_a_fault_in_a_closed_part_is_counted_and_its_link_opens_the_part(
    page: "Page", server_url: str
) -> None:
    page.goto(f"{server_url}/submit?example=demo")
    page.click("text=More of schedule >> nth=-1")
    field(page, "schedule.gamma").fill("7")
    wait_for(page, "1 fault")
    more = page.locator("details", has=field(page, "schedule.gamma"))
    assert more.get_attribute("data-faults") == "1"
    page.click("text=More of schedule >> nth=-1")
    assert not field(page, "schedule.gamma").is_visible()
    page.click("#verdict a:has-text('schedule.gamma')")
    assert field(page, "schedule.gamma").is_visible()
    assert page.evaluate("document.activeElement.id") == "field-schedule.gamma"


def test_parts_show_their_fields_when_they_are_chosen(page: "Page", server_url: str) -> None:
    page.goto(f"{server_url}/submit?example=demo")
    page.locator("details", has=field(page, "student.detector.backbone.type")).last.locator("summary").click()
    kind = field(page, "student.detector.backbone.type")
    groups = field(page, "student.detector.backbone.groups")
    assert not groups.is_visible()
    kind.select_option("ResNeXt")
    assert groups.is_visible()
    assert not field(page, "student.detector.backbone.widen_factor").is_visible()
    epochs = field(page, "teacher.train.epochs")
    assert epochs.is_visible()
    page.uncheck("[name='teacher.train']")
    assert not epochs.is_visible()
    wait_for(page, "leave backbone_depth out")


def test_yaml_is_written_checked_with_its_lines_and_shown_in_the_form(page: "Page", server_url: str) -> None:
    page.goto(f"{server_url}/submit?example=demo")
    page.click("#mode-yaml")
    text = page.locator("#yaml-text")
    text.wait_for(timeout=CHECK_MILLISECONDS)
    assert page.evaluate("document.activeElement.id") == "mode-yaml"
    good = text.input_value()
    text.fill(good.replace("epochs: 2", "epoch: 2"))
    wait_for(page, "unknown key")
    page.click("#verdict a:has-text('schedule.epoch')")
    chosen = page.evaluate(
        "() => { const t = document.getElementById('yaml-text');"
        " return t.value.slice(t.selectionStart, t.selectionEnd); }"
    )
    assert chosen.strip() == "epoch: 2"
    text.fill(good.replace("name: demo", "name: written"))
    wait_for(page, "frs submit written.yaml")
    page.click("#mode-form")
    field(page, "name").wait_for(timeout=CHECK_MILLISECONDS)
    assert field(page, "name").input_value() == "written"
    assert field(page, "schedule.epochs").input_value() == "2"


def test_the_data_are_looked_at_when_asked_and_what_is_wrong_is_said(page: "Page", server_url: str) -> None:
    page.goto(f"{server_url}/submit?example=blood-cells")
    wait_for(page, "3 jobs")
    page.click("#check-data")
    wait_for(page, "1 fault")
    assert "/path/to/BCCD" in said(page, "dataset.root")


def test_a_refused_submission_keeps_what_was_typed(page: "Page", server_url: str) -> None:
    page.goto(f"{server_url}/submit?example=blood-cells")
    field(page, "name").fill("mine")
    page.keyboard.press("ControlOrMeta+Enter")
    page.locator("#refusal").wait_for(timeout=CHECK_MILLISECONDS)
    assert page.evaluate("document.activeElement.id") == "refusal"
    assert field(page, "name").input_value() == "mine"
    assert "/path/to/BCCD" in said(page, "dataset.root")
    assert field(page, "dataset.root").get_attribute("aria-invalid") == "true"


def test_the_yaml_is_copied(page: "Page", server_url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server_url}/submit?example=demo")
    page.click("[data-copy=yaml-preview]")
    page.locator("text=Copied").first.wait_for(timeout=CHECK_MILLISECONDS)
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#yaml-preview").text_content()


def test_an_experiment_is_cloned(page: "Page", server_url: str, submit: "Submit") -> None:
    experiment_id = submit(name="to be cloned", tags=["a, b"])
    page.goto(f"{server_url}/submit?clone={experiment_id}")
    assert field(page, "name").input_value() == "to be cloned"
    wait_for(page, "3 jobs")


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("mode", ["form", "yaml"])
def test_the_page_fits_its_window_and_every_control_has_a_name(
    page: "Page", server_url: str, width: int, mode: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{server_url}/submit?example=demo")
    if mode == "yaml":
        page.click("#mode-yaml")
        page.locator("#yaml-text").wait_for(timeout=CHECK_MILLISECONDS)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless: Any = page.evaluate(
        "() => [...document.querySelectorAll('#draft :is(input:not([type=hidden]), select, textarea)')]"
        ".filter((each) => !each.labels.length).map((each) => each.name)"
    )
    assert nameless == []
    assert page.evaluate(
        "() => { const ids = [...document.querySelectorAll('[id]')].map((each) => each.id);"
        " return ids.length === new Set(ids).size; }"
    )
    broken: Any = page.evaluate(
        "() => [...document.querySelectorAll('[aria-describedby]')].flatMap((each) =>"
        " each.getAttribute('aria-describedby').split(' ').filter((id) => !document.getElementById(id)))"
    )
    assert broken == []
