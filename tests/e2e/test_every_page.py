"""What holds of every page: nothing serious for axe, no wider than its window, usable by keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.availability import unavailable
from tests.fixtures.datasets import body_of
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 60_000


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def checked_dataset(server_url: str, voc_copy: Path, check_all: Callable[[], int]) -> str:
    """The page of a data set with numbers and pictures."""
    address = f"{server_url}/api/v1/datasets"
    httpx.post(address, json=body_of(voc_copy), headers=AS_ADMIN).raise_for_status()
    assert check_all() == 1
    return "/datasets/cells"


@pytest.fixture
def paths(server_url: str, finished: str, unfinished: str, checked_dataset: str) -> list[str]:
    """Every page there is, some of them full and some empty."""
    job = httpx.get(f"{server_url}/api/v1/experiments/{finished}", headers=AS_ADMIN).json()["jobs"][1]["id"]
    return [
        "/",
        f"/experiments/{finished}",
        f"/experiments/{unfinished}",
        f"/jobs/{job}",
        "/compare",
        f"/compare?experiment={finished}&experiment={unfinished}",
        "/submit?example=demo",
        "/workers",
        "/storage",
        "/datasets",
        checked_dataset,
        "/audit",
        "/webhooks",
        "/login",
        "/experiments/0000",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: "Page", server_url: str, paths: list[str], scheme: str) -> None:
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        unavailable("no axe: pip install axe-playwright-python")
    page.emulate_media(color_scheme=scheme)
    grave = []
    for path in paths:
        page.goto(f"{server_url}{path}")
        if "/experiments/" in path and "0000" not in path:
            page.wait_for_selector("#drawings figure, #drawings p", timeout=PATIENCE)
        if path.startswith("/jobs/"):
            page.wait_for_selector("figure canvas", timeout=PATIENCE)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                grave.append((path, violation["id"], [node["html"][:200] for node in violation["nodes"][:3]]))
    assert not grave


@pytest.mark.parametrize("width", [400, 1280])
def test_no_page_is_wider_than_its_window(
    page: "Page", server_url: str, paths: list[str], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in paths:
        page.goto(f"{server_url}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_keyboard_reaches_everything(page: "Page", server_url: str, finished: str) -> None:
    page.goto(server_url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#shortcuts").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/*")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/workers")
