"""What registered data sets promise on both databases: numbers, uses, checks that die."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import DatasetSpec
from service.api.app import create_app
from service.db.dataset_checks import (
    MAX_CHECKS,
    Outcome,
    claim_check,
    finish_check,
    give_up_dying,
    has_unchecked,
)
from service.db.models import DatasetUse, Job
from service.settings import Settings
from tests.fixtures.datasets import UPLOAD, ZIP, Packed, body_of, register, shown
from tests.fixtures.server import AS_ADMIN

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]
Check = Callable[[], int]


def change(root: Path) -> None:
    """Another box in the first annotation."""
    path = next((root / "Annotations").glob("cat-1.xml"))
    path.write_text(path.read_text().replace("<xmin>4<", "<xmin>5<"))


def test_the_same_content_stays_its_version_and_new_content_is_the_next(
    api: "TestClient", voc_copy: Path, tmp_path: Path, check_all: Check, packed: Packed
) -> None:
    register(api, voc_copy)
    assert api.post("/api/v1/datasets", json=body_of(voc_copy)).status_code == 200
    check_all()
    moved = Path(shutil.copytree(voc_copy, tmp_path / "moved"))
    again = register(api, moved)
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    assert check_all() == 2
    [version] = shown(api)["versions"]
    assert (version["number"], version["root"]) == (1, str(moved))
    assert api.get(f"/api/v1/datasets/cells/versions/{again['id']}").json()["reference"] == "cells@1"
    change(moved)
    register(api, moved)
    check_all()
    assert [each["number"] for each in shown(api)["versions"]] == [2, 1]


def test_a_submission_that_names_a_version_records_what_it_means(
    api: "TestClient", voc_copy: Path, check_all: Check, experiment_body: dict[str, Any], sessions: Sessions
) -> None:
    register(api, voc_copy)
    check_all()
    body = {**experiment_body, "dataset": {"registered": "cells"}, "schedule": {"epochs": 1, "batch_size": 2}}
    answer = api.post("/api/v1/experiments", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    version = api.get("/api/v1/datasets/cells/versions/1").json()
    assert made["spec"]["dataset"] == {
        "format": "voc", "root": str(voc_copy), "train": "train", "val": "val", "test": "test", "options": {},
        "registered": "cells@1", "version": {"id": version["id"], "sha256": version["content_hash"]},
    }  # fmt: skip
    assert made["dataset_report"]["dataset_hash"] == version["content_hash"]
    assert version["num_jobs"] == len(made["jobs"])
    with sessions() as session:
        assert {row.version_id for row in session.scalars(select(DatasetUse))} == {version["id"]}
    again = api.post("/api/v1/experiments", json=body, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, made["id"])
    clone = api.post(f"/api/v1/experiments/{made['id']}/clone", json={"changes": {"name": "other"}})
    assert clone.status_code == 201, clone.text
    more = api.post(f"/api/v1/experiments/{made['id']}/extend", json={"seeds": [5]})
    assert more.status_code in (200, 201), more.text
    planned = api.post("/api/v1/experiments/plan?quick=true", json=body)
    assert planned.status_code == 200


def test_what_jobs_read_is_not_deleted_and_numbers_are_not_given_again(
    api: "TestClient", voc_copy: Path, check_all: Check, job_body: dict[str, Any], settings: Settings,
    packed: Packed,
) -> None:  # fmt: skip
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    change(voc_copy)
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    check_all()
    schedule = {"epochs": 1, "batch_size": 2}
    job = {**job_body, "schedule": schedule, "dataset": {"registered": "cells@1"}}
    assert api.post("/api/v1/jobs", json=job).status_code == 201
    for address in ("/api/v1/datasets/cells", "/api/v1/datasets/cells/versions/1"):
        refused = api.delete(address)
        assert (refused.status_code, "alone" in refused.json()["detail"]) == (409, True)
    second = api.get("/api/v1/datasets/cells/versions/2").json()["id"]
    assert api.delete("/api/v1/datasets/cells/versions/2").status_code == 204
    assert not (settings.uploaded_dir / second).exists()
    assert not list((settings.data_dir / "artifacts" / "datasets" / second).glob("*"))
    api.post(UPLOAD, content=packed(voc_copy), headers=ZIP)
    check_all()
    assert [each["number"] for each in shown(api)["versions"]] == [3, 1]
    assert api.post("/api/v1/datasets/cells/archive").json()["archived_at"] is not None
    assert api.get("/api/v1/datasets").json()["items"] == []
    assert "archived" in api.post("/api/v1/jobs", json=job).json()["detail"]
    assert api.post("/api/v1/datasets", json=body_of(voc_copy)).status_code == 409
    api.post("/api/v1/datasets/cells/unarchive")
    assert len(api.get("/api/v1/datasets").json()["items"]) == 1


def test_where_the_server_does_not_see_the_data_a_worker_checks_them(
    settings: Settings, voc_copy: Path, sessions: Sessions, hand: Any
) -> None:
    from fastapi.testclient import TestClient

    from frs_core.datasets.check import examine
    from frs_core.events import DatasetEvent
    from service.db import ledger

    blind = settings.model_copy(update={"datasets_visible": False})
    with TestClient(create_app(blind), headers=AS_ADMIN) as api:
        assert register(api, voc_copy)["state"] == "checking"
        with sessions() as session:
            assert not has_unchecked(session)
            [job] = session.scalars(select(Job)).all()
        assert (job.kind, job.spec["examines"]) == ("preflight", True)
        found = examine(DatasetSpec.model_validate(job.spec["dataset"]))
        lease = hand.take()
        event = DatasetEvent(time=1.0, report=found.report, statistics=found.statistics)
        with sessions.begin() as session:
            ledger.record(session, lease, [event])
        hand.finish(lease)
        version = api.get("/api/v1/datasets/cells/versions/1").json()
        assert version["statistics"]["splits"]["train"]["boxes"] == 3
        assert api.get("/api/v1/datasets/cells/versions/1/images").status_code == 404


def test_a_check_that_dies_is_taken_up_and_given_up_in_the_end(
    api: "TestClient", voc_copy: Path, sessions: Sessions
) -> None:
    made = register(api, voc_copy)
    for number in range(MAX_CHECKS):
        with sessions.begin() as session:
            row = claim_check(session, f"checker-{number}", lease_seconds=-1.0)
            assert row is not None
        with sessions.begin() as session:  # what one that was taken for dead brings is not taken
            assert finish_check(session, made["id"], "another", Outcome(reason="late")) is None
    with sessions.begin() as session:
        assert claim_check(session, "one-more", lease_seconds=1.0) is None
        give_up_dying(session)
    [version] = shown(api)["versions"]
    assert (version["state"], "died 3 times" in version["reason"]) == ("failed", True)


def test_two_checkers_never_take_the_same_version(
    api: "TestClient", voc_copy: Path, sessions: Sessions
) -> None:
    register(api, voc_copy)
    with sessions.begin() as session:
        assert claim_check(session, "first", lease_seconds=60.0) is not None
    with sessions.begin() as session:
        assert claim_check(session, "second", lease_seconds=60.0) is None
        assert not has_unchecked(session)
