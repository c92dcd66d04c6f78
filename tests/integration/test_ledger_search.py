"""A search: values are tried, and what is judged takes the best of them."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import COCO_METRICS, EvaluationEvent
from service.comparison.load import comparison_of
from service.db import ledger
from service.db.models import Event, Job
from service.db.states import AttemptState, JobState
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
VALUES = [0.1, 1.0, 10.0]
SEARCHED = {"name": "frs", "search": {"parameter": "options.feature_weight", "values": VALUES}}


def _end(hand: Hand, sessions: Sessions, *, ap: dict[int, float], split: str = "val", **ending: Any) -> Job:
    """Take the next job, record its AP by step, and end it."""
    lease = hand.take()
    events = [
        EvaluationEvent(
            time=0.0,
            split=split,
            step=step,
            epoch=1,
            evaluator="e",
            dataset_hash="d",
            num_images=1,
            num_boxes=1,
            metrics=dict.fromkeys(COCO_METRICS, value),
        )
        for step, value in ap.items()
    ]
    with sessions.begin() as session:
        ledger.record(session, lease, events)
    hand.finish(lease, **ending)
    return hand.job(lease.job_id)


DIVERGED = {"state": AttemptState.FAILED, "code": "nonfinite_loss", "reason": "the loss became nan"}


def _students(hand: Hand, experiment_id: str) -> list[Job]:
    return [job for job in hand.jobs(experiment_id) if job.role == "student"]


def test_the_best_on_val_by_the_last_checkpoint_is_trained_for_all_seeds(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(methods=[SEARCHED], seeds=[0, 1])
    _end(hand, sessions, ap={10: 0.5})  # the teacher
    keys = {job.job_key for job in _students(hand, experiment_id)}
    assert _end(hand, sessions, ap={10: 0.4}).label == "frs"
    _end(hand, sessions, ap={5: 0.9, 10: 0.45})  # better once, but the last checkpoint counts
    assert {job.state for job in _students(hand, experiment_id)} == {JobState.WAITING}
    _end(hand, sessions, ap={10: 0.3})
    students = _students(hand, experiment_id)
    assert {job.state for job in students} == {JobState.QUEUED}
    assert [job.spec["method"]["options"] for job in students] == [{"feature_weight": 1.0}] * 2
    assert len({job.job_key for job in students} | keys) == 4
    claim = hand.claim()
    assert claim is not None
    assert claim.spec.method.options == {"feature_weight": 1.0}  # type: ignore[union-attr]


def test_what_was_tried_is_recorded_and_shown(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit(methods=[SEARCHED], seeds=[0])
    _end(hand, sessions, ap={10: 0.5})
    for ap in (0.4, 0.45, 0.45):  # of equals the first
        _end(hand, sessions, ap={10: ap})
    with sessions() as session:
        event = session.scalars(select(Event).where(Event.kind == "search.chosen")).one()
        comparison = comparison_of(session, experiment_id)
    assert event.data is not None
    assert event.data["chosen"] == 1
    assert [row.label for row in comparison.rows] == ["teacher", "frs"]
    search = comparison.rows[1].search
    assert search is not None
    assert [(trial.words, trial.ap) for trial in search.tried] == [
        ("feature_weight=0.1", 0.4),
        ("feature_weight=1.0", 0.45),
        ("feature_weight=10.0", 0.45),
    ]
    assert (search.chosen, search.split) == (1, "val")


def test_a_run_that_diverged_has_been_tried(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit(methods=[SEARCHED], seeds=[0])
    _end(hand, sessions, ap={10: 0.5})
    _end(hand, sessions, ap={10: 0.2})
    _end(hand, sessions, ap={10: 0.1})
    assert _end(hand, sessions, ap={5: 0.6}, **DIVERGED).state is JobState.FAILED
    (student,) = _students(hand, experiment_id)
    assert student.state is JobState.QUEUED
    assert student.search is not None
    assert [each["ap"] for each in student.search["tried"]] == [0.2, 0.1, None]


def test_where_every_run_diverged_nothing_is_judged(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    experiment_id = submit(methods=[SEARCHED], seeds=[0])
    _end(hand, sessions, ap={10: 0.5})
    for _ in VALUES:
        _end(hand, sessions, ap={}, **DIVERGED)
    (student,) = _students(hand, experiment_id)
    assert (student.state, student.reason_code) == (JobState.BLOCKED, "search_failed")
    assert "smaller values" in (student.reason or "")


def test_a_run_that_failed_otherwise_is_not_taken_for_an_answer(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(methods=[SEARCHED], seeds=[0])
    _end(hand, sessions, ap={10: 0.5})
    failed = _end(hand, sessions, ap={}, state=AttemptState.FAILED, code="data", reason="unreadable")
    (student,) = _students(hand, experiment_id)
    assert student.state is JobState.BLOCKED
    assert failed.id in (student.reason or "")
