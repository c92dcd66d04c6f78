"""Queries: lists in pages, filters, ids by their beginnings."""

import base64
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session, sessionmaker

from service.db import experiments, ledger, queries
from service.db.models import Experiment, Job
from service.db.queries import AmbiguousIdError, InvalidCursorError, NotFoundError
from service.db.states import JobState, experiment_state
from service.db.types import utc_now
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


@contextmanager
def _count_statements(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("same_moment", [False, True])
def test_pages_give_every_experiment_once_newest_first(
    submit: Submit, sessions: Sessions, same_moment: bool
) -> None:
    ids = [submit() for _ in range(5)]
    if same_moment:
        with sessions.begin() as session:
            session.execute(update(Experiment).values(created_at=utc_now()))
    expected = sorted(ids, reverse=True) if same_moment else ids[::-1]
    pages = _pages(sessions, queries.list_experiments, limit=2)
    assert pages == [expected[:2], expected[2:4], expected[4:]]


def test_a_full_last_page_has_no_cursor(submit: Submit, sessions: Sessions) -> None:
    ids = [submit() for _ in range(2)]
    assert _pages(sessions, queries.list_experiments, limit=2) == [ids[::-1]]


def test_an_experiment_added_meanwhile_shifts_no_page(submit: Submit, sessions: Sessions) -> None:
    ids = [submit() for _ in range(3)]
    with sessions() as session:
        cursor = queries.list_experiments(session, limit=2).next_cursor
    submit()
    with sessions() as session:
        rest = queries.list_experiments(session, limit=2, cursor=cursor)
    assert [row.id for row in rest.items] == [ids[0]]


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
        queries.list_experiments(session, limit=2, cursor=cursor)


def test_experiments_are_filtered_by_tag_submitter_and_archive(submit: Submit, sessions: Sessions) -> None:
    plain = submit()
    tagged = submit(tags=["blood", "small"])
    anns = submit(submitted_by="ann")
    archived = submit(tags=["blood"])
    with sessions.begin() as session:
        experiments.set_archived(session, archived, archived=True)
    lister = queries.list_experiments
    assert _pages(sessions, lister, limit=9) == [[anns, tagged, plain]]
    assert _pages(sessions, lister, limit=9, tag="blood") == [[tagged]]
    assert _pages(sessions, lister, limit=9, submitted_by="ann") == [[anns]]
    assert _pages(sessions, lister, limit=9, archived=True) == [[archived]]
    assert _pages(sessions, lister, limit=9, tag="other") == [[]]


def test_the_state_filter_agrees_with_the_derived_state(submit: Submit, sessions: Sessions) -> None:
    chance = random.Random(7)
    ids = [submit() for _ in range(40)]
    with sessions.begin() as session:
        for experiment_id in ids:
            choice = chance.sample(list(JobState), chance.randint(1, 3))
            for job in session.scalars(select(Job).where(Job.experiment_id == experiment_id)):
                job.state = chance.choice(choice)
    with sessions() as session:
        rows = queries.list_experiments(session, limit=100).items
        expected = {row.id: experiment_state([job.state for job in row.jobs]) for row in rows}
        found = {
            row.id: state
            for state in EXPERIMENT_STATES
            for row in queries.list_experiments(session, limit=100, state=state).items
        }
    assert found == expected
    assert len(set(expected.values())) >= 6


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


def test_a_longer_list_takes_no_more_statements(database: Engine, submit: Submit, sessions: Sessions) -> None:
    def count() -> int:
        with _count_statements(database) as statements, sessions() as session:
            for row in queries.list_experiments(session, limit=50).items:
                assert len(row.jobs) == 3
                assert row.tags == []
        return len([statement for statement in statements if statement.startswith("SELECT")])

    submit()
    few = count()
    for _ in range(4):
        submit()
    assert count() == few


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
        with pytest.raises(AmbiguousIdError, match="'abcd'"):
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
