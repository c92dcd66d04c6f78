"""Photographs are served only where the data set is seen, is what was evaluated, and holds them."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy.orm import Session, sessionmaker

from service.api.app import create_app
from service.db.models import Artifact, Event, Experiment
from service.records.write import IMPORTED
from service.settings import Settings
from tests.fixtures.images import DrawnImages, Finder, artifacts_of
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def experiment_id(drawn_images: DrawnImages) -> str:
    return drawn_images()


@pytest.fixture
def voc_experiment(drawn_images: DrawnImages, voc_copy: Path) -> tuple[str, Path]:
    """One over the files of a folder, which was evaluated on val and test."""
    dataset = {"format": "voc", "root": str(voc_copy), "test": "val"}
    nothing = Finder()
    return drawn_images(dataset=dataset, finders=dict.fromkeys(("teacher", "none", "frs"), nothing)), voc_copy


def photograph(api: "TestClient", experiment_id: str, image_id: int = 1) -> Any:
    return api.get(f"/api/v1/experiments/{experiment_id}/images/test/{image_id}/photograph")


def reason(answer: Any) -> str:
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "photograph-hidden")
    return str(answer.json()["detail"])


def _first_image(root: Path) -> Path:
    name = (root / "ImageSets" / "Main" / "val.txt").read_text().split()[0]
    return next((root / "JPEGImages").glob(f"{name}.*"))


def test_a_file_of_the_data_set_is_served(api: "TestClient", voc_experiment: tuple[str, Path]) -> None:
    experiment_id, root = voc_experiment
    answer = photograph(api, experiment_id)
    assert answer.status_code == 200
    with Image.open(_first_image(root)) as image:
        assert Image.open(BytesIO(answer.content)).size == image.size


def test_a_link_that_leads_out_of_the_data_set_is_not_followed(
    api: "TestClient", voc_experiment: tuple[str, Path], tmp_path: Path
) -> None:
    experiment_id, root = voc_experiment
    path, outside = _first_image(root), tmp_path / "outside.jpg"
    path.rename(outside)
    path.symlink_to(outside)
    assert "outside the data set's folder" in reason(photograph(api, experiment_id))
    path.unlink()
    path.symlink_to(root / "JPEGImages" / "elsewhere" / ".." / ".." / ".." / "outside.jpg")
    assert photograph(api, experiment_id).status_code == 404
    path.unlink()
    path.symlink_to(path)
    assert photograph(api, experiment_id).status_code == 404


def test_a_changed_or_absent_file_is_not_shown_as_what_was_evaluated(
    api: "TestClient", voc_experiment: tuple[str, Path]
) -> None:
    experiment_id, root = voc_experiment
    path = _first_image(root)
    assert photograph(api, experiment_id).status_code == 200
    Image.new("RGB", (3, 3)).save(path)
    assert "not the image it was" in reason(photograph(api, experiment_id))
    path.write_bytes(b"no image")
    assert photograph(api, experiment_id).status_code == 404
    path.unlink()
    assert "no longer" in reason(photograph(api, experiment_id))


def test_a_data_set_that_changed_is_not_shown(api: "TestClient", voc_experiment: tuple[str, Path]) -> None:
    experiment_id, root = voc_experiment
    lists = root / "ImageSets" / "Main"
    (lists / "val.txt").write_text((lists / "train.txt").read_text())
    assert "changed since" in reason(photograph(api, experiment_id))
    shutil.rmtree(root)
    detail = api.get(f"/api/v1/experiments/{experiment_id}/images/test/1").json()
    assert detail["photograph"]["url"] is None
    assert detail["truth"] is not None


@pytest.fixture
def blind_api(settings: Settings) -> Iterator["TestClient"]:
    """A server that does not see the workers' data sets."""
    from fastapi.testclient import TestClient

    app = create_app(settings.model_copy(update={"datasets_visible": False}))
    with TestClient(app, raise_server_exceptions=False, headers=AS_ADMIN) as client:
        yield client


def test_a_hidden_data_set_leaves_the_boxes(blind_api: "TestClient", experiment_id: str) -> None:
    images = f"/api/v1/experiments/{experiment_id}/images"
    detail = blind_api.get(f"{images}/test/1").json()
    assert "FRS_DATASETS_VISIBLE" in detail["photograph"]["reason"]
    assert (detail["width"], detail["height"]) == (96, 64)
    assert detail["truth"]
    assert blind_api.get(f"{images}/test/1/photograph").status_code == 404


def _without_truth(sessions: Sessions, experiment_id: str) -> None:
    for row in artifacts_of(sessions, experiment_id, "ground_truth_test.json"):
        with sessions.begin() as session:
            session.delete(session.get_one(Artifact, row.id))


def test_without_a_stored_truth_that_of_the_data_set_is_taken(
    api: "TestClient", blind_api: "TestClient", experiment_id: str, sessions: Sessions
) -> None:
    address = f"/api/v1/experiments/{experiment_id}/images/test/2"
    before = api.get(address).json()
    _without_truth(sessions, experiment_id)
    assert api.get(address).json() == before
    blind = blind_api.get(address).json()
    assert (blind["truth"], blind["name"], blind["size_is_known"]) == (None, None, False)
    assert blind["num_boxes"] == before["num_boxes"]
    assert 0 < blind["width"] <= 96


@pytest.mark.parametrize("root", ["", "bccd", "/etc"])
def test_an_imported_experiment_shows_generated_images_only(
    api: "TestClient", experiment_id: str, sessions: Sessions, root: str
) -> None:
    with sessions.begin() as session:
        session.add(Event(experiment_id=experiment_id, kind=IMPORTED, message="imported"))
        if root:
            row = session.get_one(Experiment, experiment_id)
            row.spec = {**row.spec, "dataset": {"format": "voc", "root": root, "test": "test"}}
    answer = photograph(api, experiment_id)
    assert answer.status_code == (404 if root else 200)
