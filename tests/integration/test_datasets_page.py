"""The pages of data sets, from the first look at an empty list to one that names faults."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.datasets import UPLOAD, ZIP, Packed, register

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def page(api: "TestClient", path: str) -> str:
    answer = api.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    return str(answer.text)


def test_an_empty_list_says_what_to_do(api: "TestClient") -> None:
    assert "No data set is registered." in page(api, "/datasets")
    assert "Nothing is archived." in page(api, "/datasets?archived=true")
    assert api.get("/datasets/none", headers={"Accept": "text/html"}).status_code == 404


def test_a_version_shows_its_numbers_bars_and_pictures_with_boxes(
    api: "TestClient", voc_copy: Path, check_all: Callable[[], int], packed: Packed
) -> None:
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    waiting = page(api, "/datasets/cells")
    assert "It is being checked" in waiting
    check_all()
    assert "@1" in page(api, "/datasets")
    shown = page(api, "/datasets/cells?split=val")
    assert "dataset: {registered: cells@1}" in shown
    assert shown.count("<image href=") == 1
    assert '<rect x="10.0" y="4.0" width="24.0" height="24.0"' in shown
    assert '<rect width="100.00" height="8"/>' in shown
    assert 'aria-label="Boxes of train by size: 8: 1, 16: 2"' in shown
    assert '<option value="cells@1">' in page(api, "/submit")


def test_names_and_faults_of_strangers_are_text(
    api: "TestClient", voc_copy: Path, check_all: Callable[[], int]
) -> None:
    evil = "<img src=x onerror=alert(1)>"
    (voc_copy / "ImageSets" / "Main" / "val.txt").write_text(evil)
    register(api, voc_copy)
    check_all()
    shown = page(api, "/datasets/cells")
    assert evil not in shown
    assert "&lt;img src=x" in shown
