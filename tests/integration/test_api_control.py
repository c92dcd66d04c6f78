"""Pausing, resuming, reprioritising and cloning by REST, on both databases."""

import pytest
from fastapi.testclient import TestClient

from frs_core.events import CheckpointKind
from tests.fixtures.ledgers import Hand

API = "/api/v1"


@pytest.fixture
def made(api: TestClient, experiment_body: dict) -> dict:
    return api.post(f"{API}/experiments", json=experiment_body).json()


def _states(answer: dict) -> list[str]:
    return [job["state"] for job in answer["jobs"]]


def test_an_experiment_is_paused_and_goes_on(api, made):
    paused = api.post(f"{API}/experiments/{made['id']}/pause").json()
    assert (paused["state"], _states(paused)) == ("paused", ["paused"] * 3)
    resumed = api.post(f"{API}/experiments/{made['id']}/resume").json()
    assert _states(resumed) == ["queued", "waiting", "waiting"]


def test_a_running_job_is_told_and_the_answer_comes_at_once(api, made, hand: Hand):
    lease = hand.take()
    answer = api.post(f"{API}/jobs/{lease.job_id}/pause").json()
    assert (answer["state"], answer["desired_state"]) == ("running", "pause")
    answer = api.post(f"{API}/jobs/{lease.job_id}/resume").json()
    assert (answer["state"], answer["desired_state"]) == ("running", "run")


def test_resuming_a_cancelled_or_blocked_job_is_refused_with_what_to_do(api, made):
    teacher, student, _ = made["jobs"]
    api.post(f"{API}/jobs/{teacher['id']}/cancel")
    for job, remedy in ((teacher, "clone"), (student, teacher["id"])):
        answer = api.post(f"{API}/jobs/{job['id']}/resume")
        assert answer.status_code == 409
        assert remedy in answer.json()["detail"]
    assert api.post(f"{API}/jobs/zzzzzzzz/pause").status_code == 404


def test_a_priority_is_changed_for_one_job_and_for_all(api, made):
    job = api.put(f"{API}/jobs/{made['jobs'][0]['id']}/priority", json={"priority": 5}).json()
    assert job["priority"] == 5
    api.put(f"{API}/experiments/{made['id']}/priority", json={"priority": -2})
    assert {api.get(f"{API}/jobs/{job['id']}").json()["priority"] for job in made["jobs"]} == {-2}


@pytest.mark.parametrize("value", [1001, "high", 0.5, None, True])
def test_a_priority_that_is_none_is_refused_by_name(api, made, value):
    answer = api.put(f"{API}/jobs/{made['jobs'][0]['id']}/priority", json={"priority": value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "priority"


def test_a_clone_has_the_changes_and_nothing_else_in_common(api, made):
    changes = {"name": "longer", "schedule": {"epochs": 7}, "methods": ["none"]}
    answer = api.post(f"{API}/experiments/{made['id']}/clone", json={"changes": changes})
    assert answer.status_code == 201
    clone = answer.json()
    assert (clone["name"], clone["spec"]["schedule"]["epochs"], clone["num_jobs"]) == ("longer", 7, 2)
    same = {key: value for key, value in made["spec"].items() if key not in changes}
    assert {key: clone["spec"][key] for key in same} == same
    assert not {job["id"] for job in clone["jobs"]} & {job["id"] for job in made["jobs"]}


def test_a_clone_whose_changes_do_not_fit_names_their_place(api, made):
    changes = {"schedule": {"epochs": -1}}
    answer = api.post(f"{API}/experiments/{made['id']}/clone", json={"changes": changes})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "changes.schedule.epochs"
    assert len(api.get(f"{API}/experiments").json()["items"]) == 1


def test_a_cloned_student_learns_from_the_weights_of_the_first_ones_teacher(api, made, hand: Hand):
    student = made["jobs"][2]
    answer = api.post(f"{API}/jobs/{student['id']}/clone", json={})
    assert answer.status_code == 409
    assert "teacher" in answer.json()["detail"]
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 3)
    hand.finish(lease)
    stored = api.get(f"{API}/jobs/{lease.job_id}/checkpoints").json()["items"][0]
    clone = api.post(f"{API}/jobs/{student['id']}/clone", json={"changes": {"seed": 9}}).json()
    assert (clone["seed"], clone["experiment_id"], clone["state"]) == (9, None, "queued")
    assert clone["spec"]["teacher"]["checkpoint"] == stored["id"]


def test_a_clone_that_is_asked_for_twice_with_one_key_is_made_once(api, made):
    answers = [
        api.post(
            f"{API}/experiments/{made['id']}/clone",
            json={"changes": {"name": "again"}},
            headers={"Idempotency-Key": "k"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]


def test_a_worker_is_listed_with_what_it_runs_and_told_to_take_no_more(api, made, hand: Hand):
    lease = hand.take()
    listed = api.get(f"{API}/workers").json()["items"]
    assert [(worker["id"], worker["state"]) for worker in listed] == [(hand.worker_id, "online")]
    assert [job["id"] for job in listed[0]["jobs"]] == [lease.job_id]
    for verb, wanted in (("drain", "drain"), ("undrain", "run")):
        answer = api.post(f"{API}/workers/{hand.worker_id[:8]}/{verb}").json()
        assert (answer["desired_state"], len(answer["jobs"])) == (wanted, 1)
    assert api.post(f"{API}/workers/zzzzzzzz/drain").status_code == 404
