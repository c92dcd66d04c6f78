"""A job that no worker can do says so, for as long as that is so."""

from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.api.experiments import experiment_detail
from service.db import ledger, queries
from service.db.needs import unmet_needs
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
DEFORMABLE = {"zoo": "gfl/gfl_r101-dconv-c3-c5_fpn_ms-2x_coco"}


def unmet(sessions: Sessions, hand: Hand, experiment_id: str) -> list[str | None]:
    with sessions() as session:
        jobs = hand.jobs(experiment_id)
        found = unmet_needs(session, jobs)
        return [found.get(job.id) for job in jobs]


def start_worker(sessions: Sessions, **devices: Any) -> str:
    with sessions.begin() as session:
        return ledger.register_worker(session, host="big", pid=2, version="0", devices=devices)


def test_operators_are_missed_by_the_jobs_that_need_them(
    sessions: Sessions, hand: Hand, submit: Submit
) -> None:
    made = submit(student={"detector": DEFORMABLE}, methods=["none"], seeds=[0, 1])
    teacher, *students = unmet(sessions, hand, made)
    assert teacher is None
    assert all(student is not None and "mmcv's compiled operators" in student for student in students)
    with sessions() as session:
        [notice] = experiment_detail(session, queries.get_experiment(session, made)).warnings
    assert (notice.code, notice.count) == ("no_worker", 2)

    worker = start_worker(sessions, operators=["deform_conv"])
    assert unmet(sessions, hand, made) == [None, None, None]
    with sessions.begin() as session:
        ledger.retire_worker(session, worker)
    assert unmet(sessions, hand, made)[1] is not None


@pytest.mark.parametrize(("offered", "missed"), [(0, True), (1, True), (2, False)])
def test_gpus_are_missed_where_one_job_can_have_too_few(
    sessions: Sessions, hand: Hand, submit: Submit, offered: int, missed: bool
) -> None:
    start_worker(sessions, gpus_per_job=offered)
    found = unmet(sessions, hand, submit(resources={"gpus": 2}))
    assert [reason is not None and "2 GPUs for one job" in reason for reason in found] == [missed] * len(
        found
    )


def test_both_must_be_in_one_place(sessions: Sessions, hand: Hand, submit: Submit) -> None:
    start_worker(sessions, gpus_per_job=1)
    start_worker(sessions, operators=["deform_conv"])
    made = submit(student={"detector": DEFORMABLE}, methods=["none"], resources={"gpus": 1})
    assert unmet(sessions, hand, made)[0] is None
    assert "1 GPU for one job and mmcv's compiled operators" in (unmet(sessions, hand, made)[1] or "")


def test_the_api_says_so_when_it_is_submitted_and_later(
    api: Any, experiment_body: Any, job_body: Any
) -> None:
    experiment_body |= {"student": {"detector": DEFORMABLE}, "methods": ["none"]}
    answer = api.post("/api/v1/experiments", json=experiment_body)
    assert answer.status_code == 201, answer.json()
    [notice] = [item for item in answer.json()["warnings"] if item["source"] != "dataset"]
    assert notice["code"] == "no_worker"
    assert notice["message"] in api.get(f"/experiments/{answer.json()['id']}").text.replace("&#39;", "'")

    job = api.post("/api/v1/jobs", json=job_body | {"detector": DEFORMABLE}).json()
    assert job["compiled_operators"]
    assert "no worker that is online has" in job["unmet_need"]
    assert api.post("/api/v1/jobs", json=job_body).json()["unmet_need"] is None
