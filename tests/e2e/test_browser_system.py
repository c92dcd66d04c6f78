"""The whole system from a browser: submit, watch to the end, cancel another, compare, take reports home."""

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from pypdf import PdfReader

from tests.fixtures.systems import System, experiment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.torch, pytest.mark.timeout(900)]
TRAINED = 300_000


def _submit(page: "Page", url: str, spec: dict[str, object]) -> str:
    """Through the form's YAML; gives the experiment's id."""
    page.goto(f"{url}/submit?example=demo")
    page.click("#mode-yaml")
    page.locator("#yaml-text").fill(json.dumps(spec))
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url("**/experiments/*", timeout=60_000)
    return page.url.rsplit("/", 1)[1]


def test_an_experiment_is_submitted_watched_compared_and_reported(
    browser: "Browser", system: System, tmp_path: Path
) -> None:
    url = system.folder.read_url()
    assert url is not None
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.goto(system.json("open", "--print")["url"])
    faults: list[str] = []
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())

    # One runs to its end while it is looked at; another, a long one, is cancelled.
    spec = experiment(1) | {"name": "watched", "methods": ["none", "frs"]}
    watched = _submit(page, url, spec)
    page.wait_for_selector("#connection[data-state=live]")
    page.evaluate("window.sameDocument = true")
    page.wait_for_selector(".heading .state-succeeded", timeout=TRAINED)
    assert page.evaluate("window.sameDocument")
    page.wait_for_selector("#figure-curves, #figure-sizes, #figure-deltas", timeout=60_000)
    other = _submit(page, url, experiment(50) | {"name": "cancelled"})
    page.wait_for_selector("#connection[data-state=live]")
    page.click(f"#menu-{other} summary")
    page.get_by_role("button", name="Cancel all jobs").click()
    page.wait_for_selector(".heading .state-cancelled", timeout=120_000)

    # The numbers of the page are those of the API, and every report opens.
    comparison = httpx.get(f"{url}/api/v1/experiments/{watched}/comparison", headers=system.as_admin).json()
    page.goto(f"{url}/experiments/{watched}")
    for row in comparison["rows"]:
        ap = row["metrics"]["ap"]["mean"]
        shown = page.locator(f"tr[data-label='{row['label']}'] td").nth(1).inner_text()
        assert shown == ("n/a" if ap is None else f"{100 * ap:.1f}")
    for format in ("html", "pdf", "tex", "md", "csv", "json", "zip"):
        content = system.folder.data_dir.parent / f"report.{format}"
        system.frs("report", watched, "-f", format, "-o", content)
        assert content.stat().st_size > 200
    assert "frs" in PdfReader(system.folder.data_dir.parent / "report.pdf").pages[0].extract_text()
    with zipfile.ZipFile(io.BytesIO((system.folder.data_dir.parent / "report.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert any(name.startswith("runs/002-frs") and name.endswith("metrics.csv") for name in names)
    assert any(name.startswith("figures/") and name.endswith(".pdf") for name in names)

    # Side by side with itself by job, and what each detector saw in the images.
    jobs = {
        job["label"]: job["id"]
        for job in httpx.get(f"{url}/api/v1/experiments/{watched}", headers=system.as_admin).json()["jobs"]
    }
    page.goto(f"{url}/compare?job={jobs['none']}&job={jobs['frs']}")
    assert "method.name" in page.inner_text("section:has(#differences)")
    page.goto(f"{url}/experiments/{watched}/images?row=frs")
    page.wait_for_selector("svg", timeout=60_000)
    context.close()
    assert not faults
