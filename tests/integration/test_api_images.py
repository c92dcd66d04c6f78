"""Images, their errors and boxes over the API; photographs are served only where they may be."""

import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Artifact
from tests.fixtures.images import MAPPED_IMAGE, DrawnImages, artifacts_of, jobs_of

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
Listed = Callable[..., Any]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def experiment_id(drawn_images: DrawnImages) -> str:
    return drawn_images()


@pytest.fixture
def images(api: "TestClient", experiment_id: str) -> str:
    return f"/api/v1/experiments/{experiment_id}/images"


@pytest.fixture
def listed(api: "TestClient", images: str) -> Listed:
    return lambda **query: api.get(images, params=query).json()


def ids(page: Any) -> list[int]:
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("fixed", [2, 3, 4, 1]), ("broken", [1, 3, 4, 2]), ("teacher", [1, 3, 2, 4]), ("image", [1, 2, 3, 4])],
)
def test_images_come_in_the_order_asked_for_with_their_errors(
    listed: Listed, sort: str, expected: list[int]
) -> None:
    page = listed(sort=sort, row="frs", seed=0)
    assert ids(page) == expected
    counts = {item["id"]: [row["errors"] for row in item["errors"]] for item in page["items"]}
    assert counts == {1: [0, 0, 2], 2: [0, 4, 0], 3: [0, 1, 1], 4: [1, 0, 0]}
    second = next(item for item in page["items"] if item["id"] == 2)
    assert (second["change"], second["name"]) == (-4, "test-000001")
    baseline = next(row for row in second["errors"] if row["role"] == "baseline")
    assert (baseline["label"], baseline["missed"], baseline["false_positives"]) == ("none", 1, 3)


def test_what_the_request_leaves_open_is_said(listed: Listed, experiment_id: str) -> None:
    page = listed()
    chosen = {key: page[key] for key in ("experiment", "split", "row", "seed", "baseline", "sort", "total")}
    assert chosen == {
        "experiment": experiment_id, "split": "test", "row": "frs", "seed": 0, "baseline": "none",
        "sort": "fixed", "total": 4,
    }  # fmt: skip
    assert listed(split="val")["total"] == 2


def test_the_threshold_changes_errors_and_order(listed: Listed) -> None:
    assert ids(listed(sort="fixed", threshold=0.55)) == [2, 3, 1, 4]
    errors = {item["id"]: item["errors"][2]["errors"] for item in listed(threshold=0.55)["items"]}
    assert errors == {1: 0, 2: 0, 3: 0, 4: 0}


def test_pages_follow_each_other(listed: Listed) -> None:
    first = listed(sort="fixed", limit=3)
    second = listed(sort="fixed", limit=3, cursor=first["next_cursor"])
    assert ids(first) + ids(second) == [2, 3, 4, 1]
    assert second["next_cursor"] is None


def test_one_image_has_the_boxes_of_truth_and_of_each_row(api: "TestClient", images: str) -> None:
    detail = api.get(f"{images}/test/2").json()
    assert (detail["width"], detail["height"], detail["size_is_known"]) == (96, 64, True)
    assert detail["num_boxes"] == len(detail["truth"])
    rows = {row["role"]: row for row in detail["rows"]}
    assert [rows[role]["label"] for role in ("teacher", "baseline", "method")] == ["teacher", "none", "frs"]
    plain = rows["baseline"]["boxes"]
    assert [box["score"] for box in plain if not box["matched"]] == [0.6] * 3
    assert {box["truth"] for box in plain if box["matched"]} == set(range(1, detail["num_boxes"]))
    teacher = rows["teacher"]["boxes"]
    for box in teacher:
        found = detail["truth"][box["truth"]]
        keys = ("x", "y", "width", "height", "class_index")
        assert [box[key] for key in keys] == [found[key] for key in keys]
    surest = api.get(f"{images}/test/2", params={"min_score": 0.7}).json()
    assert {box["score"] for row in surest["rows"] for box in row["boxes"]} == {0.9}


def test_maps_of_s_are_there_for_the_images_of_val_that_have_them(api: "TestClient", images: str) -> None:
    richness = api.get(f"{images}/val/{MAPPED_IMAGE}").json()["richness"]
    assert [each["level"] for each in richness] == ["p3", "p4"]
    assert api.get(richness[0]["url"]).headers["content-type"] == "image/jpeg"
    assert api.get(f"{images}/val/1").json()["richness"] == []
    assert api.get(f"{images}/test/{MAPPED_IMAGE}").json()["richness"] == []


def test_a_photograph_is_a_small_jpeg_that_browsers_keep(api: "TestClient", images: str) -> None:
    url = api.get(f"{images}/test/3").json()["photograph"]["url"]
    answer = api.get(url)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert Image.open(BytesIO(answer.content)).size == (96, 64)
    assert Image.open(BytesIO(api.get(url, params={"longest": 48}).content)).size == (48, 32)
    again = api.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("?row=nonesuch", 422, "row"),
        ("?row=%00", 422, "row"),
        ("?row=teacher", 422, "row"),
        ("?seed=7", 422, "seed"),
        ("?seed=-1", 422, "seed"),
        ("?seed=99999999999999999999", 422, "seed"),
        ("?split=train", 422, "split"),
        ("?sort=best", 422, "sort"),
        ("?threshold=0", 422, "threshold"),
        ("?threshold=nan", 422, "threshold"),
        ("?cursor=nonsense", 422, "cursor"),
        ("?cursor=aW1hZ2VzOi0x", 422, "cursor"),
        ("?limit=0", 422, "limit"),
        ("/test/5", 404, None),
        ("/test/-1", 404, None),
        ("/test/99999999999999999999", 422, "image_id"),
        ("/test/two", 422, "image_id"),
        ("/train/1", 422, "split"),
        ("/test/1?row=nonesuch", 422, "row"),
        ("/test/1?min_score=nan", 422, "min_score"),
        ("/test/5/photograph", 404, None),
        ("/test/1/photograph?longest=99999", 422, "longest"),
        ("/test/..%2f..%2f..%2fetc%2fpasswd/photograph", 404, None),
        ("/..%2ftest/1/photograph", 404, None),
        ("/test/%2e%2e/photograph", 422, "image_id"),
        ("/test/1%00/photograph", 422, "image_id"),
    ],
)
def test_faults_are_problems(
    api: "TestClient", images: str, path: str, status: int, field: str | None
) -> None:
    answer = api.get(images + path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert answer.json()["errors"][0]["field"] == field


def test_an_experiment_that_has_found_nothing_yet_says_so(api: "TestClient", submit: "Submit") -> None:
    answer = api.get(f"/api/v1/experiments/{submit()}/images")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:frs-distill:problem:no-predictions")
    assert api.get("/api/v1/experiments/0000/images").status_code == 404


def test_only_a_teacher_is_shown_in_the_images_own_order(
    api: "TestClient", drawn_images: DrawnImages, sessions: Sessions
) -> None:
    experiment_id = drawn_images()
    with sessions.begin() as session:
        names = Artifact.name.in_(("matches_test.npz",))
        students = Artifact.job_id.in_(
            [row.id for row in jobs_of(session, experiment_id) if row.role == "student"]
        )
        for row in session.query(Artifact).where(names, students):
            session.delete(row)
    page = api.get(f"/api/v1/experiments/{experiment_id}/images").json()
    assert (page["sort"], page["row"], ids(page)) == ("image", None, [1, 2, 3, 4])
    refused = api.get(f"/api/v1/experiments/{experiment_id}/images?sort=fixed")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "sort")
    shown = api.get(f"/experiments/{experiment_id}/images")
    assert shown.status_code == 200
    assert "row=" not in shown.text


@pytest.mark.parametrize("name", ["matches_test.npz", "predictions_test.json", "ground_truth_test.json"])
def test_files_that_are_gone_or_broken_are_problems(
    api: "TestClient", experiment_id: str, images: str, sessions: Sessions, tmp_path: Path, name: str
) -> None:
    for row in artifacts_of(sessions, experiment_id, name):
        path = tmp_path / "artifacts" / row.uri.removeprefix("file:")
        path.write_bytes(b'[{"image_id": 1}]')
    broken = api.get(f"{images}/test/1")
    assert (broken.status_code, broken.json()["type"].rpartition(":")[2]) == (409, "unreadable-file")
    assert name in broken.json()["detail"]
    shutil.rmtree(tmp_path / "artifacts")
    gone = api.get(f"{images}/test/1")
    assert (gone.status_code, gone.json()["type"].rpartition(":")[2]) == (410, "file-missing")


def test_predictions_that_the_matches_are_not_of_are_refused(
    api: "TestClient", experiment_id: str, images: str, sessions: Sessions, tmp_path: Path
) -> None:
    for row in artifacts_of(sessions, experiment_id, "predictions_test.json"):
        path = tmp_path / "artifacts" / row.uri.removeprefix("file:")
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    assert api.get(f"{images}/test/1").status_code == 409


def test_rows_judged_by_other_boxes_are_not_put_side_by_side(
    api: "TestClient", drawn_images: DrawnImages, sessions: Sessions, images: str
) -> None:
    other = drawn_images(dataset={**_options(test_images=3), "test": "test"}, name="other")
    with sessions.begin() as session:
        mine = images.split("/")[-2]
        [*_, ours] = artifacts_of(sessions, mine, "matches_test.npz")
        [*_, theirs] = artifacts_of(sessions, other, "matches_test.npz")
        session.execute(
            update(Artifact).where(Artifact.id == ours.id).values(uri=theirs.uri, sha256=theirs.sha256)
        )
    answer = api.get(images)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "incomparable")


def _options(**options: int) -> dict[str, Any]:
    from tests.fixtures.images import IMAGES_DATASET

    return {"format": "synthetic", "options": {**IMAGES_DATASET["options"], **options}}  # type: ignore[dict-item]


def test_the_page_of_an_experiment_without_predictions_says_what_to_do(
    api: "TestClient", submit: "Submit", hand: "Hand"
) -> None:
    answer = api.get(f"/experiments/{submit()}/images")
    assert answer.status_code == 200
    assert "no job of this experiment has stored predictions" in answer.text
    assert api.get("/experiments/0000/images").status_code == 404


def test_the_page_refuses_what_the_api_refuses_in_words(api: "TestClient", experiment_id: str) -> None:
    answer = api.get(f"/experiments/{experiment_id}/images?row=%3Cb%3E")
    assert answer.status_code == 422
    assert "known: none, frs" in answer.text
    assert "<b>" not in answer.text
