"""Data sets are registered once, checked, numbered by content, and named by jobs."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.datasets.check import check
from frs_core.spec import DatasetSpec
from service.access.roles import Role
from service.api.app import create_app
from service.artifacts import ArtifactError, open_store
from service.datasets.checking import check_next
from service.datasets.files import remove_unknown_datasets
from service.db.models import DatasetVersion
from service.db.states import DatasetState
from service.settings import Settings
from tests.fixtures.absent_stores import BreakStore, says_unavailable
from tests.fixtures.callers import ClientOf, MakeCaller
from tests.fixtures.datasets import UPLOAD, ZIP, Packed, body_of, register, shown
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]
Check = Callable[[], int]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_a_folder_is_checked_numbered_and_shown_with_its_numbers(
    api: "TestClient", voc_copy: Path, check_all: Check
) -> None:
    made = register(api, voc_copy)
    assert (made["state"], made["number"], made["reference"]) == ("registered", None, None)
    assert check_all() == 1
    [version] = shown(api)["versions"]
    assert (version["state"], version["reference"], version["source"]) == ("ready", "cells@1", "folder")
    spec = DatasetSpec(format="voc", root=str(voc_copy), test="test")
    assert version["content_hash"] == check(spec).dataset_hash
    assert version["statistics"]["splits"]["train"]["per_class"] == {"cat": 1, "dog": 2}
    assert version["faults"] == []
    assert [item["name"] for item in api.get("/api/v1/datasets").json()["items"]] == ["cells"]
    assert api.get("/api/v1/datasets/cells/versions/1").json()["id"] == made["id"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_is_unpacked_under_an_id_and_its_pictures_are_served(
    api: "TestClient", voc_copy: Path, settings: Settings, check_all: Check, packed: Packed, kind: str
) -> None:
    content = packed(voc_copy, kind)
    answer = api.post(UPLOAD, content=content, headers={"Content-Type": "application/octet-stream"})
    assert answer.status_code == 202
    made = answer.json()
    assert api.post(UPLOAD, content=content, headers=ZIP).status_code == 200
    assert check_all() == 1
    version = api.get("/api/v1/datasets/cells/versions/1").json()
    assert (version["state"], version["root"], version["archive_bytes"]) == ("ready", None, len(content))
    assert [path.name for path in settings.uploaded_dir.iterdir()] == [made["id"]]
    pictures = api.get("/api/v1/datasets/cells/versions/1/images?split=train&limit=1").json()
    [picture] = pictures["items"]
    assert (pictures["total"], picture["name"], picture["boxes"][0]) == (
        2, "cat-1", {"label": "cat", "bbox": [4.0, 5.0, 16.0, 20.0], "crowd": False},
    )  # fmt: skip
    photograph = api.get(picture["photograph"])
    assert Image.open(BytesIO(photograph.content)).size == (48, 32)
    # another replica has not unpacked it yet
    shutil.rmtree(settings.uploaded_dir)
    assert api.get(picture["photograph"]).status_code == 200


def test_a_refused_archive_leaves_nothing_but_its_reason(
    api: "TestClient", settings: Settings, check_all: Check, voc_copy: Path, packed: Packed
) -> None:
    evil = packed(voc_copy).replace(b"voc/Annotations/cat-1.xml", b"../../../notations/cat.ev")
    assert api.post(UPLOAD, content=evil, headers=ZIP).status_code == 202
    check_all()
    [version] = shown(api)["versions"]
    assert (version["state"], version["number"]) == ("failed", None)
    assert "leads out of the archive's folder" in version["reason"]
    assert list(settings.uploaded_dir.iterdir()) == []
    assert [path for path in (settings.data_dir / "artifacts").rglob("*") if path.is_file()] == []


def test_every_fault_of_the_data_is_kept(api: "TestClient", voc_copy: Path, check_all: Check) -> None:
    (voc_copy / "Annotations" / "cat-1.xml").unlink()
    next((voc_copy / "JPEGImages").glob("cat-2.*")).write_bytes(b"no image")
    register(api, voc_copy)
    check_all()
    [version] = shown(api)["versions"]
    errors = {(each["code"], each["field"]) for each in version["faults"] if each["severity"] == "error"}
    assert version["state"] == "failed"
    assert errors >= {("annotation_missing", "dataset.train"), ("image_unreadable", "dataset.val")}


def test_the_next_version_is_for_the_owner_of_the_name(
    client_of: ClientOf, make_caller: MakeCaller, voc_copy: Path, packed: Packed
) -> None:
    ada, eve = client_of(make_caller("ada")), client_of(make_caller("eve"))
    register(ada, voc_copy)
    sent = {"content": packed(voc_copy), "headers": ZIP}
    for refused in (eve.post("/api/v1/datasets", json=body_of(voc_copy)), eve.post(UPLOAD, **sent)):
        assert (refused.status_code, refused.json()["type"][-9:]) == (403, "not-yours")
    assert len(shown(ada)["versions"]) == 1
    assert ada.post(UPLOAD, **sent).status_code == 202
    assert client_of(make_caller("op", Role.OPERATOR)).post(UPLOAD, **sent).status_code == 200


def test_folders_outside_the_roots_are_refused_links_followed(
    settings: Settings, voc_copy: Path, tmp_path: Path, experiment_body: dict[str, Any], sessions: Sessions
) -> None:
    from fastapi.testclient import TestClient

    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "escape").symlink_to(voc_copy)
    inside = Path(shutil.copytree(voc_copy, allowed / "inside"))
    (inside / "JPEGImages" / "more").symlink_to("/etc")
    limited = settings.model_copy(update={"dataset_roots": (allowed,)})
    with TestClient(create_app(limited), headers=AS_ADMIN) as api:
        for root in (voc_copy, allowed / "escape", allowed / ".." / "voc", inside):
            answer = api.post("/api/v1/datasets", json=body_of(root))
            assert answer.status_code == 422, root
            assert "FRS_DATASET_ROOTS" in answer.json()["detail"]
            data = {"format": "voc", "root": str(root)}
            answer = api.post("/api/v1/experiments", json={**experiment_body, "dataset": data})
            assert answer.status_code == 422
            assert "FRS_DATASET_ROOTS" in answer.json()["detail"]
        (inside / "JPEGImages" / "more").unlink()
        register(api, inside)
        # what was a folder when it was registered is a link when it is read
        inside.rename(allowed / "elsewhere")
        inside.symlink_to(voc_copy)
        assert check_next(sessions, open_store(limited.resolved_artifacts_url), limited)
        assert "FRS_DATASET_ROOTS" in shown(api)["versions"][0]["reason"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"registered": "nothing"}, "there are cells"),
    ({"registered": "cells@7"}, "there are cells@1"),
    ({"registered": "cells@1", "root": "/etc"}, "leave it out"),
    ({"registered": "cells@1", "version": {"id": "x", "sha256": "0" * 64}}, "leave it out"),
    ({"format": "synthetic", "version": {"id": "x", "sha256": "0" * 64}}, "belongs to"),
    ({"format": "voc", "root": "upload:0123456789abcdef"}, "absolute path"),
    ({"registered": "../x"}, "NAME@VERSION"),
    ({}, "required"),
]


def test_what_cannot_be_resolved_is_refused_with_what_there_is(
    api: "TestClient", voc_copy: Path, check_all: Check, experiment_body: dict[str, Any]
) -> None:
    register(api, voc_copy)
    check_all()
    for dataset, words in REFUSED:
        answer = api.post("/api/v1/experiments", json={**experiment_body, "dataset": dataset})
        assert answer.status_code == 422, dataset
        assert words in answer.json()["detail"]


def test_a_version_that_is_not_ready_is_refused_with_its_state(
    api: "TestClient", voc_copy: Path, job_body: dict[str, Any]
) -> None:
    made = register(api, voc_copy)
    for name in ("cells", "cells@1", made["id"]):
        answer = api.post("/api/v1/jobs", json={**job_body, "dataset": {"registered": name}})
        assert answer.status_code == 422
        assert "registered" in answer.json()["detail"]
        assert made["id"] in answer.json()["detail"]


def test_an_unused_data_set_is_deleted_with_its_files(
    api: "TestClient", voc_copy: Path, check_all: Check, settings: Settings, packed: Packed
) -> None:
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    check_all()
    assert api.delete("/api/v1/datasets/cells").status_code == 204
    assert api.get("/api/v1/datasets/cells").status_code == 404
    assert list(settings.uploaded_dir.iterdir()) == []
    assert voc_copy.is_dir()


def test_files_that_no_version_names_are_removed(
    api: "TestClient",
    settings: Settings,
    sessions: Sessions,
    voc_copy: Path,
    check_all: Check,
    packed: Packed,
) -> None:
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    check_all()
    store = open_store(settings.resolved_artifacts_url)
    orphan = settings.data_dir / "artifacts" / "datasets" / "0123456789abcdef" / "archive"
    orphan.parent.mkdir()
    orphan.write_bytes(b"x")
    (settings.uploaded_dir / "0123456789abcdef").mkdir()
    remove_unknown_datasets(sessions, store, settings, older_than=-timedelta(minutes=1))
    assert not orphan.exists()
    [kept] = settings.uploaded_dir.iterdir()
    assert kept.name == shown(api)["versions"][0]["id"]
    assert len(list((settings.data_dir / "artifacts" / "datasets").rglob("archive"))) == 1


def test_the_archive_of_a_version_that_was_given_up_is_removed_in_time(
    api: "TestClient", settings: Settings, sessions: Sessions, voc_copy: Path, packed: Packed
) -> None:
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    store, archives = (
        open_store(settings.resolved_artifacts_url),
        settings.data_dir / "artifacts" / "datasets",
    )
    remove_unknown_datasets(sessions, store, settings, older_than=-timedelta(minutes=1))
    assert len(list(archives.rglob("archive"))) == 1, "it waits for its check"
    with sessions.begin() as session:
        session.execute(update(DatasetVersion).values(state=DatasetState.FAILED))
    remove_unknown_datasets(sessions, store, settings, older_than=-timedelta(minutes=1))
    assert list(archives.rglob("archive")) == []


@pytest.mark.parametrize("error", [ArtifactError("away"), OSError("no space left")])
def test_without_the_store_an_archive_is_told_to_come_again(
    api: "TestClient", voc_copy: Path, packed: Packed, break_store: BreakStore, error: Exception
) -> None:
    break_store(error=error)
    assert says_unavailable(api.post(UPLOAD, content=packed(voc_copy), headers=ZIP))
    assert api.get("/api/v1/datasets/cells").status_code == 404


def test_pictures_of_an_archive_that_cannot_be_had_now_are_not_called_gone(
    api: "TestClient", voc_copy: Path, settings: Settings, check_all: Check, packed: Packed,
    monkeypatch: pytest.MonkeyPatch, break_store: BreakStore,
) -> None:  # fmt: skip
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    check_all()
    [picture] = api.get("/api/v1/datasets/cells/versions/1/images?split=train&limit=1").json()["items"]
    shutil.rmtree(settings.uploaded_dir)
    break_store("fetch")
    assert says_unavailable(api.get(picture["photograph"]))


WRONG: list[tuple[str, dict[str, str], bytes, int]] = [
    ("name=a/b&format=voc", ZIP, b"x", 422),
    ("name=cells&format=nothing", ZIP, b"x", 422),
    ("name=cells&format=voc&options=[]", ZIP, b"x", 422),
    ("name=cells&format=voc&options={", ZIP, b"x", 400),
    ("name=cells&format=voc", ZIP, b"", 422),
    ("name=cells&format=voc", {"Content-Type": "text/html"}, b"x", 415),
    ("name=cells&format=voc", {**ZIP, "Sec-Fetch-Site": "cross-site"}, b"x", 403),
]


def test_an_upload_that_is_wrong_leaves_no_file(api: "TestClient", settings: Settings) -> None:
    for query, headers, content, status in WRONG:
        answer = api.post(f"/api/v1/datasets/upload?{query}", content=content, headers=headers)
        assert answer.status_code == status, answer.text
    assert not settings.uploaded_dir.exists() or list(settings.uploaded_dir.iterdir()) == []
    assert json.loads(api.get("/api/v1/datasets").text)["items"] == []


def test_an_upload_over_the_limit_is_refused(settings: Settings) -> None:
    from fastapi.testclient import TestClient

    with TestClient(
        create_app(settings.model_copy(update={"max_dataset_bytes": 2000})), headers=AS_ADMIN
    ) as api:
        answer = api.post(UPLOAD, content=bytes(3000), headers=ZIP)
        assert (answer.status_code, "FRS_MAX_DATASET_BYTES" in answer.json()["detail"]) == (413, True)
        pieces = (bytes(500) for _ in range(6))
        assert api.post(UPLOAD, content=pieces, headers=ZIP).status_code == 413
    assert list(settings.uploaded_dir.iterdir()) == []
