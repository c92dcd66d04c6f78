"""Queries: lists in pages, filters, ids by their beginnings."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger, queries
from service.db.models import Experiment, Job
from service.db.queries import AmbiguousIdError, InvalidCursorError, NotFoundError
from service.db.states import JobState
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
EXPERIMENT_STATES = ("queued", "running", "paused", "failed", "blocked", "cancelled", "succeeded")


def _pages(sessions: Sessions, lister: Callable[..., Any], **filters: Any) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        with sessions() as session:
            page = lister(session, cursor=cursor, **filters)
        pages.append([row.id for row in page.items])
        if (cursor := page.next_cursor) is None:
            return pages


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "é",
        "bm90IGpzb24",
        base64.urlsafe_b64encode(b'["2026-01-01T00:00:00","x"]').decode(),
        "W10",
        "MQ",
    ],
)
def test_a_cursor_that_no_list_gave_is_refused(sessions: Sessions, cursor: str) -> None:
    with sessions() as session, pytest.raises(InvalidCursorError):
        queries.list_jobs(session, limit=2, cursor=cursor)


def test_pages_of_jobs_follow_each_other(submit: Submit, sessions: Sessions) -> None:
    submit()
    submit()
    pages = _pages(sessions, queries.list_jobs, limit=4)
    with sessions() as session:
        newest = session.scalars(select(Job.id).order_by(Job.created_at.desc(), Job.id.desc())).all()
    assert pages == [newest[:4], newest[4:]]


def test_jobs_are_filtered(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    first = submit(submitted_by="ann")
    submit()
    hand.take()
    running = _pages(sessions, queries.list_jobs, limit=100, state=JobState.RUNNING)
    assert running == [[hand.jobs(first)[0].id]]
    assert len(_pages(sessions, queries.list_jobs, limit=100)[0]) == 6
    of_first = _pages(sessions, queries.list_jobs, limit=2, experiment_id=first)
    assert {job_id for page in of_first for job_id in page} == {job.id for job in hand.jobs(first)}
    assert len(_pages(sessions, queries.list_jobs, limit=100, method="frs")[0]) == 2
    assert len(_pages(sessions, queries.list_jobs, limit=100, submitted_by="ann")[0]) == 3


def test_an_id_is_found_by_its_beginning(submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit(tags=["x"])
    with sessions() as session:
        experiment = queries.get_experiment(session, experiment_id[:6])
        assert experiment.id == experiment_id
        assert [job.position for job in experiment.jobs] == [0, 1, 2]
        assert [tag.tag for tag in experiment.tags] == ["x"]
        job = queries.get_job(session, experiment.jobs[1].id)
        assert job.id == experiment.jobs[1].id
        assert job.experiment is experiment
        assert queries.job_dependencies(session, job.id) == [experiment.jobs[0].id]


@pytest.mark.parametrize(
    "prefix", ["", "0", "zzz", "zzzz", "%%%%", "____", "ABCD", "0" * 17, "'; --", "\0\0\0\0"]
)
def test_an_id_that_nothing_has_is_not_found(submit: Submit, sessions: Sessions, prefix: str) -> None:
    submit()
    with sessions() as session, pytest.raises(NotFoundError):
        queries.get_experiment(session, prefix)
    with sessions() as session, pytest.raises(NotFoundError):
        queries.get_job(session, prefix)


def test_a_beginning_that_several_share_is_ambiguous(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for last in "1z":
            session.add(Experiment(id="abcd" + last * 12, name=last, spec={}))
    with sessions() as session:
        with pytest.raises(AmbiguousIdError, match=r"'abcd', such as abcd1{12} \(1\), abcdz{12} \(z\)"):
            queries.get_experiment(session, "abcd")
        assert queries.get_experiment(session, "abcdz").name == "z"


def test_events_come_in_order_after_the_last_one_seen(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    first, second = submit(), submit()
    hand.take()
    with sessions() as session:
        everything = queries.events_after(session, 0)
        ids = [row.id for row in everything]
        assert ids == sorted(ids)
        assert [row.id for row in queries.events_after(session, ids[1])] == ids[2:]
        assert [row.id for row in queries.events_after(session, 0, limit=2)] == ids[:2]
        mine = queries.events_after(session, 0, experiment_id=first)
    assert [row.kind for row in mine] == ["experiment.submitted", "job.state", "job.state"]
    assert {row.experiment_id for row in everything} == {first, second}


def test_workers_are_listed_with_their_state(hand: Hand, sessions: Sessions) -> None:
    with sessions.begin() as session:
        ledger.retire_worker(session, hand.worker_id)
    with sessions() as session:
        (worker,) = queries.list_workers(session)
    assert (worker.id, worker.state, worker.devices) == (hand.worker_id, "offline", {"gpus": [], "slots": 1})
