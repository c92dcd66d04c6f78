"""Extending an experiment by REST, on both databases."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from frs_core.events import CheckpointKind
from tests.fixtures.ledgers import Hand

API = "/api/v1"


@pytest.fixture
def made(api: TestClient, experiment_body: dict) -> dict:
    return api.post(f"{API}/experiments", json=experiment_body).json()


def _extend(api: TestClient, made: dict, key: str | None = None, **added):
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(f"{API}/experiments/{made['id'][:8]}/extend", json=added, headers=headers)


def _rows(answer) -> list[tuple[str, int, str]]:
    return [(job["label"], job["seed"], job["state"]) for job in answer.json()["jobs"]]


def _train_teacher(hand: Hand) -> None:
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 10)
    hand.finish(lease)


def test_methods_and_seeds_are_added_and_what_is_there_stays(api, made, hand: Hand):
    _train_teacher(hand)
    before = [job["id"] for job in api.get(f"{API}/experiments/{made['id']}").json()["jobs"]]
    answer = _extend(api, made, methods=["pkd", {"name": "frs", "label": "other"}], seeds=[7])
    assert answer.status_code == 201
    assert [job["id"] for job in answer.json()["jobs"]][:3] == before
    labels = ["none", "frs", "pkd", "other"]
    assert _rows(answer)[3:] == [
        ("pkd", 0, "queued"),
        ("other", 0, "queued"),
        *((label, 7, "queued") for label in labels),
    ]
    assert [each["name"] for each in answer.json()["spec"]["methods"]] == ["none", "frs", "pkd", "frs"]


def test_new_students_wait_for_a_teacher_that_is_not_ready_and_are_blocked_by_one_that_failed(
    api, made, hand: Hand
):
    assert _rows(_extend(api, made, methods=["pkd"]))[3:] == [("pkd", 0, "waiting")]
    hand.fail(hand.take())
    assert _rows(_extend(api, made, methods=["fitnet"]))[4:] == [("fitnet", 0, "blocked")]


def test_a_new_seed_of_a_searched_method_takes_what_was_found(api, experiment_body, hand: Hand):
    searched = {"name": "frs", "search": {"parameter": "weight", "values": [1, 2]}}
    made = api.post(f"{API}/experiments", json={**experiment_body, "methods": ["none", searched]}).json()
    answer = _extend(api, made, seeds=[7])
    assert [(job["role"], job["label"], job["seed"]) for job in answer.json()["jobs"][5:]] == [
        ("student", "none", 7),
        ("student", "frs", 7),
    ]
    job = api.get(f"{API}/jobs/{answer.json()['jobs'][-1]['id']}").json()
    assert set(job["depends_on"]) == {each["id"] for each in made["jobs"][:3]}


@pytest.mark.parametrize(
    ("added", "field"),
    [
        ({"seeds": [7, 0]}, "seeds.1"),
        ({"methods": ["frs"]}, "methods"),
        ({"methods": ["pkd", "nonsense"]}, "methods.1.name"),
        ({"seeds": [5, -1]}, "seeds.1"),
        ({}, "body"),
        ({"schedule": {}}, "schedule"),
    ],
    ids=str,
)
def test_what_cannot_be_added_is_named_by_its_place_in_the_request(api, made, added, field):
    answer = _extend(api, made, **added)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert len(api.get(f"{API}/experiments/{made['id']}").json()["jobs"]) == 3


def test_a_repeat_with_the_same_key_adds_nothing(api, made):
    first = _extend(api, made, key="once", seeds=[7])
    again = _extend(api, made, key="once", seeds=[7])
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["jobs"] == first.json()["jobs"]
    assert _extend(api, made, key="once", seeds=[8]).status_code == 422


def test_data_that_changed_are_not_mixed_with_what_is_there(api, experiment_body, voc_copy: Path):
    dataset = {"format": "voc", "root": str(voc_copy), "train": "train", "val": "val"}
    made = api.post(f"{API}/experiments", json={**experiment_body, "dataset": dataset}).json()
    images = voc_copy / "JPEGImages"
    (images / "cat-1.png").write_bytes((images / "cat-2.png").read_bytes())
    answer = _extend(api, made, seeds=[7])
    assert answer.status_code == 409
    assert "clone" in answer.json()["detail"]
    assert len(api.get(f"{API}/experiments/{made['id']}").json()["jobs"]) == 3
