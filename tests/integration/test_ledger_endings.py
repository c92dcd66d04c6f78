"""Endings: what becomes of a job and of those that wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.models import Attempt, Event, Job, JobDependency, OutboxMessage
from service.db.moves import IllegalMoveError, move
from service.db.states import AttemptState, DesiredState, JobState
from service.db.types import utc_now
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


def _states(hand: Hand, experiment_id: str) -> list[str]:
    return [job.state.value for job in hand.jobs(experiment_id)]


def _moves(sessions: Sessions, job_id: str) -> list[tuple[str, str]]:
    with sessions() as session:
        statement = select(Event.data).where(Event.job_id == job_id, Event.kind == "job.state")
        return [(data["from"], data["to"]) for data in session.scalars(statement.order_by(Event.id))]


def test_a_teachers_success_queues_its_students_and_wakes_workers(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    lease = hand.take()
    assert hand.finish(lease, exit_code=0) is JobState.SUCCEEDED
    assert _states(hand, experiment_id) == ["succeeded", "queued", "queued"]
    teacher, *students = hand.jobs(experiment_id)
    assert teacher.finished_at is not None
    with sessions() as session:
        woken = session.scalars(select(OutboxMessage.job_id).order_by(OutboxMessage.id)).all()
        assert session.get_one(Attempt, lease.attempt_id).exit_code == 0
    assert woken[0] == teacher.id
    assert set(woken[1:]) == {student.id for student in students}
    assert _moves(sessions, teacher.id) == [
        ("waiting", "queued"),
        ("queued", "running"),
        ("running", "succeeded"),
    ]


def test_a_teachers_failure_blocks_its_students_with_the_cause(hand: Hand, submit: Submit) -> None:
    experiment_id = submit()
    ending = {"code": "invalid_dataset", "reason": "no images", "field": "dataset.root"}
    assert hand.finish(hand.take(), state=AttemptState.FAILED, **ending) is JobState.FAILED
    teacher, *students = hand.jobs(experiment_id)
    found = {"code": teacher.reason_code, "reason": teacher.reason, "field": teacher.reason_field}
    assert found == ending
    for student in students:
        assert (student.state, student.reason_code) == (JobState.BLOCKED, "dependency_failed")
        assert teacher.id in (student.reason or "")
        assert "no images" in (student.reason or "")


def test_retries_wait_longer_each_time_and_end(hand: Hand, submit: Submit) -> None:
    submit(max_attempts=3)
    delays = []
    for expected in (JobState.QUEUED, JobState.QUEUED, JobState.FAILED):
        lease = hand.take()
        assert hand.fail(lease, retry=True) is expected
        not_before = hand.job(lease.job_id).not_before
        if not_before is not None:
            delays.append(round((not_before - utc_now()) / timedelta(seconds=10)))
        hand.skip_delay(lease.job_id)
    assert delays == [1, 2]


def test_why_an_attempt_failed_is_told_of_its_end_and_not_of_the_next_start(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    hand.fail(lease, retry=True)
    reason = hand.job(lease.job_id).reason
    hand.skip_delay(lease.job_id)
    assert hand.take().job_id == lease.job_id
    with sessions() as session:
        statement = select(Event).where(Event.job_id == lease.job_id, Event.kind == "job.state")
        told = {(event.data["from"], event.data["to"]): event.message for event in session.scalars(statement)}
    assert reason
    assert reason in told["running", "queued"]
    assert reason not in told["queued", "running"]


def test_a_retrys_wakeup_waits_as_long_as_the_job(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    hand.fail(lease, retry=True)
    with sessions() as session:
        last = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
    assert last.not_before == hand.job(lease.job_id).not_before


def test_a_job_handed_back_is_queued_at_once_and_uses_no_attempt(hand: Hand, submit: Submit) -> None:
    submit(max_attempts=1)
    lease = hand.take()
    assert hand.finish(lease, state=AttemptState.RELEASED, retry=True) is JobState.QUEUED
    job = hand.job(lease.job_id)
    assert (job.not_before, job.num_attempts) == (None, 0)
    assert hand.take().token == 2


def test_success_clears_the_reason_of_an_earlier_failure(hand: Hand, submit: Submit) -> None:
    submit()
    lease = hand.take()
    hand.fail(lease, retry=True)
    assert hand.job(lease.job_id).reason == "it broke"
    hand.skip_delay(lease.job_id)
    hand.finish(hand.take())
    assert hand.job(lease.job_id).reason is None


def test_cancelling_a_running_job_waits_for_its_attempt(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    lease = hand.take()
    with sessions.begin() as session:
        assert ledger.request_cancel(session, lease.job_id) is JobState.RUNNING
    assert hand.job(lease.job_id).desired_state is DesiredState.CANCEL
    assert hand.fail(lease, retry=True) is JobState.CANCELLED
    assert _states(hand, experiment_id) == ["cancelled", "blocked", "blocked"]
    assert {job.reason_code for job in hand.jobs(experiment_id)[1:]} == {"dependency_cancelled"}


def test_a_job_that_succeeds_before_it_hears_of_the_cancel_has_succeeded(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.request_cancel(session, lease.job_id)
    assert hand.finish(lease) is JobState.SUCCEEDED
    assert _states(hand, experiment_id) == ["succeeded", "queued", "queued"]


def test_cancelling_a_queued_job_is_done_at_once_and_only_once(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    teacher = hand.jobs(experiment_id)[0]
    for _ in range(2):
        with sessions.begin() as session:
            assert ledger.request_cancel(session, teacher.id) is JobState.CANCELLED
    assert _moves(sessions, teacher.id)[-1] == ("queued", "cancelled")
    assert len(_moves(sessions, teacher.id)) == 2
    assert hand.claim() is None


def test_a_pause_that_was_asked_for_outweighs_a_retry(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        session.get_one(Job, lease.job_id).desired_state = DesiredState.PAUSE
    assert hand.finish(lease, state=AttemptState.RELEASED, retry=True) is JobState.PAUSED


def test_cancelling_an_experiment_cancels_each_unfinished_job(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(methods=["none", {"name": "frs"}, {"name": "none", "label": "again"}])
    hand.finish(hand.take())
    hand.finish(hand.take())
    hand.take()
    with sessions.begin() as session:
        assert len(ledger.cancel_experiment(session, experiment_id)) == 2
    assert _states(hand, experiment_id) == ["succeeded", "succeeded", "running", "cancelled"]
    assert [job.desired_state.value for job in hand.jobs(experiment_id)] == ["run", "run", "cancel", "cancel"]


def test_what_is_not_there_cannot_be_cancelled(sessions: Sessions) -> None:
    with pytest.raises(NoResultFound), sessions.begin() as session:
        ledger.request_cancel(session, "0" * 16)
    with pytest.raises(NoResultFound), sessions.begin() as session:
        ledger.cancel_experiment(session, "0" * 16)


def test_a_job_that_waits_for_two_is_queued_when_both_end_at_the_same_time(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    waiting = submit(methods=["none"])
    others = [submit(methods=["none"]) for _ in range(6)]
    student = hand.jobs(waiting)[1]
    with sessions.begin() as session:
        for experiment_id in others:
            teacher = hand.jobs(experiment_id)[0]
            session.add(JobDependency(job_id=student.id, depends_on_id=teacher.id, role="other"))
    leases = [hand.take() for _ in range(7)]
    with ThreadPoolExecutor(7) as pool:
        assert set(pool.map(hand.finish, leases)) == {JobState.SUCCEEDED}
    assert hand.job(student.id).state is JobState.QUEUED


def test_cancelling_while_the_teacher_ends_hurts_neither(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_ids = [submit(methods=["none"], seeds=list(range(12))) for _ in range(4)]
    leases = [hand.take() for _ in experiment_ids]
    start = threading.Barrier(8)

    def cancel(experiment_id: str) -> None:
        start.wait()
        with sessions.begin() as session:
            ledger.cancel_experiment(session, experiment_id)

    def end(lease: ledger.Lease) -> JobState:
        start.wait()
        return hand.finish(lease)

    with ThreadPoolExecutor(8) as pool:
        cancelling = [pool.submit(cancel, experiment_id) for experiment_id in experiment_ids]
        ending = [pool.submit(end, lease) for lease in leases]
        assert {future.result() for future in ending} == {JobState.SUCCEEDED}
        assert [future.result() for future in cancelling] == [None] * 4
    for experiment_id in experiment_ids:
        assert set(_states(hand, experiment_id)[1:]) == {"cancelled"}


def test_a_move_outside_the_table_is_refused(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    hand.finish(lease)
    with sessions() as session:
        job = session.get_one(Job, lease.job_id)
        with pytest.raises(IllegalMoveError, match="succeeded to running"):
            move(session, job, JobState.RUNNING, utc_now())
