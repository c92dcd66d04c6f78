"""Retention set and garbage collected in a browser: by keyboard, with the API's words for what is wrong."""

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.availability import unavailable
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 60_000
RULES = "/api/v1/experiments/{}/retention"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def focused(page: "Page", attribute: str) -> object:
    return page.evaluate("(name) => document.activeElement[name]", attribute)


def test_rules_are_set_corrected_and_cleared_by_keyboard(
    page: "Page", server_url: str, finished: str
) -> None:
    address = f"{server_url}{RULES.format(finished)}"
    page.goto(f"{server_url}/experiments/{finished}")
    fault = page.locator("#rules-fault")
    page.locator("#rules summary").focus()
    for key in ("Enter", "Tab", "Space", "Tab", "Space", "Tab", "Enter"):  # neither best nor last
        page.keyboard.press(key)
    for typed, body in (("", {}), ("0", {"every_epochs": 0}), ("two", {"every_epochs": "two"})):
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        refused = httpx.put(address, json={"best": False, "last": False, **body}, headers=AS_ADMIN)
        fault.filter(has_text=refused.json()["detail"]).wait_for(timeout=PATIENCE)
        assert focused(page, "name") == "every_epochs"
        page.keyboard.press("Control+A")
    assert httpx.get(address, headers=AS_ADMIN).json()["policy"] is None
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.get_by_text("keeps only: every 2 epochs.").wait_for(timeout=PATIENCE)
    assert focused(page, "tagName") == "SUMMARY"
    assert httpx.get(address, headers=AS_ADMIN).json()["policy"]["every_epochs"] == 2
    page.locator("#rules button[data-action]").wait_for(state="attached", timeout=PATIENCE)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep everything").press("Enter")
    page.get_by_text("Garbage collection keeps everything.").wait_for(timeout=PATIENCE)
    assert httpx.get(address, headers=AS_ADMIN).json()["policy"] is None


def test_what_was_typed_outlives_an_update_of_the_page(page: "Page", server_url: str, finished: str) -> None:
    page.goto(f"{server_url}/experiments/{finished}")
    page.wait_for_selector("#connection[data-state=live]", timeout=PATIENCE)
    page.locator("#rules summary").click()
    page.locator("[name=every_steps]").fill("500")
    page.locator("#rules summary").focus()
    page.locator("summary[aria-label='Actions for the experiment']").click()
    page.get_by_role("button", name="Archive").click()
    page.locator(".heading .tag", has_text="archived").wait_for(timeout=PATIENCE)
    assert page.locator("[name=every_steps]").input_value() == "500"


def test_what_is_deleted_is_what_was_shown(page: "Page", server_url: str, finished: str) -> None:
    address = f"{server_url}{RULES.format(finished)}"
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    httpx.put(address, json={"last": False}, headers=AS_ADMIN)
    page.goto(f"{server_url}/storage")
    httpx.put(address, json={}, headers=AS_ADMIN)  # meanwhile somebody keeps it after all
    page.get_by_role("button", name="Delete this file").press("Enter")
    page.locator("#notice", has_text="what would be deleted has changed").wait_for(timeout=PATIENCE)
    page.get_by_text("Nothing. The page of an experiment").wait_for(timeout=PATIENCE)
    httpx.put(address, json={"last": False}, headers=AS_ADMIN)
    page.reload()
    plan = httpx.post(f"{server_url}/api/v1/gc", headers=AS_ADMIN).json()["plan"]
    page.get_by_role("button", name="Delete this file").press("Enter")
    page.locator("#notice", has_text="done").wait_for(timeout=PATIENCE)
    page.get_by_text("Nothing. The page of an experiment").wait_for(timeout=PATIENCE)
    assert f"of plan {plan}" in asked[-1]
    assert httpx.post(f"{server_url}/api/v1/gc", headers=AS_ADMIN).json()["items"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_open_form_and_the_plan(
    page: "Page", server_url: str, finished: str, scheme: str
) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        unavailable("no axe: pip install axe-playwright-python")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    httpx.put(f"{server_url}{RULES.format(finished)}", json={"last": False}, headers=AS_ADMIN)
    grave = []
    for path in (f"/experiments/{finished}", "/storage"):
        page.goto(f"{server_url}{path}")
        if path != "/storage":
            page.locator("#rules summary").click()
            page.locator("[name=days]").fill("-1")
            page.get_by_role("button", name="Keep only these").click()
            page.locator("#rules-fault:not(:empty)").wait_for(timeout=PATIENCE)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        violations = Axe().run(page).response["violations"]
        grave += [each["id"] for each in violations if each["impact"] in ("serious", "critical")]
    assert not grave
