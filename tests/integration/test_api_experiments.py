"""Submitting, listing, changing and deleting experiments by REST, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

EXPERIMENTS = "/api/v1/experiments"


def submit(api: TestClient, body: dict, key: str | None = None, **changes: object) -> dict:
    headers = {} if key is None else {"Idempotency-Key": key}
    response = api.post(EXPERIMENTS, json={**body, **changes}, headers=headers)
    assert response.is_success, response.text
    return response.json()


def test_a_submission_is_expanded_into_jobs_and_can_be_read_at_once(api, experiment_body):
    response = api.post(EXPERIMENTS, json={**experiment_body, "seeds": [0, 1], "tags": ["b", "a"]})
    assert response.status_code == 201
    made = response.json()
    assert made["state"] == "queued"
    assert made["tags"] == ["a", "b"]
    assert made["job_states"] == {"queued": 1, "waiting": 4}
    assert [(job["role"], job["label"], job["seed"]) for job in made["jobs"]] == [
        ("teacher", "teacher", 0),
        ("student", "none", 0),
        ("student", "frs", 0),
        ("student", "none", 1),
        ("student", "frs", 1),
    ]
    assert made["dataset_report"]["splits"]["train"]["images"] == 4
    assert api.get(f"{EXPERIMENTS}/{made['id']}").json() == made
    student = api.get(f"/api/v1/jobs/{made['jobs'][1]['id']}").json()
    assert student["depends_on"] == [made["jobs"][0]["id"]]
    assert student["spec"]["method"]["name"] == "none"


def test_the_same_key_and_body_give_the_same_experiment(api, experiment_body):
    first = api.post(EXPERIMENTS, json=experiment_body, headers={"Idempotency-Key": "once"})
    reordered = dict(reversed(experiment_body.items()))
    again = api.post(EXPERIMENTS, json=reordered, headers={"Idempotency-Key": "once"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(api.get(EXPERIMENTS).json()["items"]) == 1


def test_the_same_key_with_another_body_is_refused(api, experiment_body):
    submit(api, experiment_body, key="once")
    other = api.post(
        EXPERIMENTS, json={**experiment_body, "name": "other"}, headers={"Idempotency-Key": "once"}
    )
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(api.get(EXPERIMENTS).json()["items"]) == 1


def test_requests_with_one_key_at_the_same_time_make_one_experiment(api, experiment_body):
    num_clients = 4
    start = threading.Barrier(num_clients)

    def send(_: int) -> tuple[int, str]:
        start.wait(timeout=30)
        response = api.post(EXPERIMENTS, json=experiment_body, headers={"Idempotency-Key": "once"})
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(num_clients) as pool:
        answers = list(pool.map(send, range(num_clients)))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 201]
    assert len({experiment_id for _, experiment_id in answers}) == 1


def test_the_same_words_of_another_caller_are_another_key(client_of, make_caller, experiment_body, job_body):
    ada, bob = client_of(make_caller("ada")), client_of(make_caller("bob"))
    headers = {"Idempotency-Key": "once"}
    for path, body in ((EXPERIMENTS, experiment_body), ("/api/v1/jobs", {**job_body, "name": "other"})):
        adas = ada.post(path, json=body, headers={"Idempotency-Key": f"once for {path}"})
        bobs = bob.post(path, json=body, headers={"Idempotency-Key": f"once for {path}"})
        assert (adas.status_code, bobs.status_code) == (201, 201)
        assert adas.json()["id"] != bobs.json()["id"]
    assert ada.post(EXPERIMENTS, json=experiment_body, headers=headers).status_code == 201
    other = bob.post(EXPERIMENTS, json={**experiment_body, "name": "other"}, headers=headers)
    assert other.status_code == 201, "and nobody is told that another used it"


def test_a_repeat_is_answered_although_the_data_has_gone(api, experiment_body, voc_copy):
    body = {**experiment_body, "dataset": {"format": "voc", "root": str(voc_copy)}}
    first = submit(api, body, key="once")
    voc_copy.rename(voc_copy.with_name("elsewhere"))
    assert submit(api, body, key="once")["id"] == first["id"]


def test_pages_follow_each_other_without_gaps_or_repeats(api, experiment_body):
    made = [submit(api, experiment_body, name=f"number {index}")["id"] for index in range(5)]
    seen, query = [], {"limit": 2}
    while True:
        page = api.get(EXPERIMENTS, params=query).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
        submit(api, experiment_body, name="newcomer")
    assert seen == made[::-1]


FILTERS = [
    ({"tag": "blood"}, ["first"]),
    ({"submitted_by": "Ada"}, ["second"]),
    ({"state": "queued"}, ["second", "first"]),
    ({"state": "running"}, []),
    ({"archived": "true"}, ["third"]),
    ({}, ["second", "first"]),
    ({"search": "IRS"}, ["first"]),
    ({"dataset": "synthetic", "method": "frs"}, ["second", "first"]),
    ({"dataset": "elsewhere"}, []),
    ({"method": "pkd"}, []),
    ({"sort": "name"}, ["first", "second"]),
    ({"sort": "name", "direction": "desc"}, ["second", "first"]),
    ({"sort": "created", "direction": "asc"}, ["first", "second"]),
    ({"sort": "owner", "limit": "1"}, ["second"]),
    ({"name": "First"}, ["first"]),
    ({"name": "irs"}, []),
    ({"since": "2020-01-01T00:00:00Z"}, ["second", "first"]),
    ({"since": "2999-01-01T01:00:00+01:00"}, []),
]


def test_filters_choose_experiments(api, experiment_body):
    submit(api, experiment_body, name="first", tags=["blood"])
    submit(api, experiment_body, name="second", submitted_by="Ada")
    third = submit(api, experiment_body, name="third")
    api.post(f"{EXPERIMENTS}/{third['id']}/archive")
    for query, names in FILTERS:
        found = api.get(EXPERIMENTS, params=query).json()["items"]
        assert [item["name"] for item in found] == names, query


def test_jobs_are_filtered_by_state_experiment_and_method(api, experiment_body, job_body):
    made = submit(api, experiment_body)
    api.post("/api/v1/jobs", json=job_body)

    def labels(**query: str) -> list[str]:
        return sorted(item["label"] for item in api.get("/api/v1/jobs", params=query).json()["items"])

    assert labels() == ["alone", "frs", "none", "teacher"]
    assert labels(experiment=made["id"][:8]) == ["frs", "none", "teacher"]
    assert labels(method="frs") == ["frs"]
    assert labels(state="queued") == ["alone", "teacher"]
    assert labels(name=next(job["name"] for job in made["jobs"] if job["label"] == "frs")) == ["frs"]
    assert labels(name="fr") == []


def test_a_list_says_the_data_set_and_the_best_row(api, experiment_body):
    submit(api, experiment_body)
    [item] = api.get(EXPERIMENTS).json()["items"]
    assert [item[key] for key in ("dataset", "best_label", "best_ap", "best_delta")] == [
        "synthetic", None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T00:00:00"])
def test_a_moment_needs_its_time_zone(api, since):
    assert api.get(EXPERIMENTS, params={"since": since}).status_code == 422


def test_a_unique_prefix_stands_for_an_id(api, experiment_body):
    made = submit(api, experiment_body)
    assert api.get(f"{EXPERIMENTS}/{made['id'][:6]}").json()["id"] == made["id"]
    assert api.get(f"{EXPERIMENTS}/{made['id'][:3]}").status_code == 404


def test_name_tags_and_submitter_can_be_changed(api, experiment_body):
    made = submit(api, experiment_body, tags=["old"])
    change = {"tags": ["new", "newer"], "submitted_by": "Ada", "name": "renamed"}
    changed = api.patch(f"{EXPERIMENTS}/{made['id']}", json=change).json()
    assert {key: changed[key] for key in change} == change
    assert {job["submitted_by"] for job in changed["jobs"]} == {"Ada"}
    emptied = api.patch(f"{EXPERIMENTS}/{made['id']}", json={"tags": []}).json()
    assert (emptied["tags"], emptied["name"]) == ([], "renamed")


def test_archiving_can_be_undone(api, experiment_body):
    path = f"{EXPERIMENTS}/{submit(api, experiment_body)['id']}"
    assert api.post(f"{path}/archive").json()["archived_at"] is not None
    assert api.post(f"{path}/unarchive").json()["archived_at"] is None


def test_cancelling_ends_every_job(api, experiment_body):
    made = submit(api, experiment_body)
    cancelled = api.post(f"{EXPERIMENTS}/{made['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["job_states"] == {"cancelled": 3}


def test_cancelling_the_teacher_blocks_the_students(api, experiment_body):
    made = submit(api, experiment_body)
    teacher = api.post(f"/api/v1/jobs/{made['jobs'][0]['id']}/cancel").json()
    assert teacher["state"] == "cancelled"
    after = api.get(f"{EXPERIMENTS}/{made['id']}").json()
    assert after["job_states"] == {"cancelled": 1, "blocked": 2}
    assert after["jobs"][1]["reason"]


def test_a_running_experiment_cannot_be_deleted_and_its_job_is_asked_to_stop(api, experiment_body, hand):
    made = submit(api, experiment_body)
    lease = hand.take()
    path = f"{EXPERIMENTS}/{made['id']}"
    refused = api.delete(path)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    job = api.post(f"/api/v1/jobs/{lease.job_id}/cancel").json()
    assert (job["state"], job["desired_state"]) == ("running", "cancel")


def test_deleting_removes_rows_and_files(api, experiment_body, hand, stored_checkpoint):
    made = submit(api, experiment_body)
    lease = hand.take()
    file = stored_checkpoint(lease)
    hand.finish(lease)
    assert file.path.is_file()
    assert api.delete(f"{EXPERIMENTS}/{made['id']}").status_code == 204
    assert api.get(f"{EXPERIMENTS}/{made['id']}").status_code == 404
    assert api.get(f"/api/v1/jobs/{lease.job_id}").status_code == 404
    assert not file.path.exists()


def test_warnings_of_the_data_and_of_jobs_are_listed(api, experiment_body, hand, sessions):
    from frs_core.events import WarningEvent
    from service.db import ledger

    options = {"train_images": 4, "val_images": 2, "test_images": 2, "max_objects": 1}
    made = submit(api, experiment_body, dataset={"format": "synthetic", "options": options})
    lease = hand.take()
    with sessions.begin() as session:
        warning = WarningEvent(time=1.0, code="slow_loader", message="the loader is slow", count=3)
        ledger.record(session, lease, [warning])
    listed = api.get(f"{EXPERIMENTS}/{made['id']}").json()["warnings"]
    assert {"source": "teacher", "code": "slow_loader", "message": "the loader is slow", "count": 3,
            "field": None, "examples": []} in listed  # fmt: skip
    of_data = [item for item in listed if item["source"] == "dataset"]
    assert of_data
    assert all(item["field"].startswith("dataset.") and item["count"] >= 1 for item in of_data)
