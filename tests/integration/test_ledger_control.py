"""Pausing, resuming and reprioritising: what becomes of a job and of those that wait for it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind, EvaluationEvent
from service.db import ledger
from service.db.models import Event, Job
from service.db.states import AttemptState, DesiredState, JobState
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


def _states(hand: Hand, experiment_id: str) -> list[str]:
    return [job.state.value for job in hand.jobs(experiment_id)]


def test_a_paused_job_is_not_claimed_until_it_is_resumed(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    teacher = hand.jobs(submit())[0]
    with sessions.begin() as session:
        assert ledger.request_pause(session, teacher.id) is JobState.PAUSED
    assert hand.claim() is None
    with sessions.begin() as session:
        assert ledger.request_resume(session, teacher.id) is JobState.QUEUED
    assert hand.take().job_id == teacher.id


def test_a_running_job_that_is_paused_goes_on_from_its_state_and_loses_no_attempt(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        assert ledger.request_pause(session, lease.job_id) is JobState.RUNNING
        assert ledger.heartbeat(session, lease, lease_seconds=60) is DesiredState.PAUSE
    hand.save(lease, CheckpointKind.STATE, 7)
    assert hand.finish(lease, state=AttemptState.RELEASED, retry=True) is JobState.PAUSED
    assert hand.job(lease.job_id).num_attempts == 0
    with sessions.begin() as session:
        ledger.request_resume(session, lease.job_id)
    claim = hand.claim()
    assert claim is not None
    assert claim.resume_from is not None
    assert claim.resume_from.step == 7


def test_a_resume_before_the_pause_was_carried_out_takes_it_back(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.request_pause(session, lease.job_id)
        assert ledger.request_resume(session, lease.job_id) is JobState.RUNNING
        assert ledger.heartbeat(session, lease, lease_seconds=60) is DesiredState.RUN


def test_a_pause_does_not_hide_that_the_job_cannot_succeed(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.request_pause(session, lease.job_id)
    assert hand.fail(lease, retry=False) is JobState.FAILED


def test_resuming_a_failed_teacher_releases_what_it_had_blocked(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(max_attempts=1)
    hand.fail(hand.take(), retry=True)
    assert _states(hand, experiment_id) == ["failed", "blocked", "blocked"]
    with sessions.begin() as session:
        resumed = ledger.resume_experiment(session, experiment_id)
    assert _states(hand, experiment_id) == ["queued", "waiting", "waiting"]
    teacher, *students = hand.jobs(experiment_id)
    assert resumed == [teacher.id]
    assert (teacher.num_attempts, teacher.finished_at, students[0].reason) == (0, None, None)
    hand.finish(hand.take())
    assert _states(hand, experiment_id) == ["succeeded", "queued", "queued"]


def test_resuming_frees_only_those_that_nothing_else_blocks(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    search = {"name": "frs", "search": {"parameter": "weight", "values": [1, 2]}}
    experiment_id = submit(methods=["none", search], seeds=[0], max_attempts=1)
    hand.finish(hand.take())
    first, second = hand.take(), hand.take()
    for lease in (first, second):
        assert hand.job(lease.job_id).role == "search"
        hand.fail(lease)
    student = hand.jobs(experiment_id)[-1]
    assert student.state is JobState.BLOCKED
    with sessions.begin() as session:
        ledger.request_resume(session, first.job_id)
    assert hand.job(student.id).state is JobState.BLOCKED
    with pytest.raises(ledger.ControlError, match=second.job_id), sessions.begin() as session:
        ledger.request_resume(session, student.id)
    with sessions.begin() as session:
        ledger.request_resume(session, second.job_id)
    assert hand.job(student.id).state is JobState.WAITING


def test_what_was_paused_while_it_waited_goes_where_its_teacher_lets_it(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(max_attempts=1)
    with sessions.begin() as session:
        assert len(ledger.pause_experiment(session, experiment_id)) == 3
    assert _states(hand, experiment_id) == ["paused"] * 3
    teacher, one, other = hand.jobs(experiment_id)
    with sessions.begin() as session:
        ledger.request_resume(session, teacher.id)
        assert ledger.request_resume(session, one.id) is JobState.WAITING
    hand.fail(hand.take())
    with sessions.begin() as session:
        assert ledger.request_resume(session, other.id) is JobState.BLOCKED
    assert "it broke" in (hand.job(other.id).reason or "")


def test_a_cancelled_job_cannot_be_resumed_and_an_ended_one_stays(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    first, second = hand.jobs(submit())[0], hand.jobs(submit())[0]
    with sessions.begin() as session:
        ledger.request_cancel(session, first.id)
    with pytest.raises(ledger.ControlError, match="clone"), sessions.begin() as session:
        ledger.request_resume(session, first.id)
    lease = hand.take()
    assert lease.job_id == second.id
    hand.finish(lease)
    with sessions.begin() as session:
        for verb in (ledger.request_pause, ledger.request_resume, ledger.request_cancel):
            assert verb(session, second.id) is JobState.SUCCEEDED
        assert ledger.set_priority(session, second.id, 3) is JobState.SUCCEEDED
    assert hand.job(second.id).priority == 0


def test_a_higher_priority_overtakes_what_was_queued_before(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    late = submit()
    with sessions.begin() as session:
        assert len(ledger.prioritise_experiment(session, late, 1)) == 3
    lease = hand.take()
    assert hand.job(lease.job_id).experiment_id == late
    hand.finish(lease)
    assert {job.priority for job in hand.jobs(late)[1:]} == {1}
    assert hand.job(hand.take().job_id).experiment_id == late


def test_an_attempt_that_saved_a_newer_state_gives_all_attempts_back(hand: Hand, submit: Submit) -> None:
    submit(max_attempts=2)
    for step in (10, 20, 30):
        lease = hand.take()
        hand.save(lease, CheckpointKind.STATE, step)
        assert hand.fail(lease, retry=True) is JobState.QUEUED
        hand.skip_delay(lease.job_id)
    lease = hand.take()
    hand.save(lease, CheckpointKind.STATE, 30)  # the one that it began with
    assert hand.fail(lease, retry=True) is JobState.FAILED


def test_a_dead_attempt_is_taken_back_before_its_lease_runs_out_and_only_once(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    taken = []
    for _ in range(2):
        with sessions.begin() as session:
            taken.append(ledger.abandon(session, lease.job_id, lease.token, backoff_seconds=0))
    assert taken == [True, False]
    job = hand.job(lease.job_id)
    assert (job.state, job.reason_code) == (JobState.QUEUED, "worker_died")
    newer = hand.take()
    with sessions.begin() as session:
        assert not ledger.abandon(session, lease.job_id, lease.token, backoff_seconds=0)
        assert session.get_one(Job, newer.job_id).state is JobState.RUNNING


def test_a_search_that_diverged_is_not_run_again_and_what_was_chosen_stays(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    search = {"name": "frs", "search": {"parameter": "weight", "values": [1, 2]}}
    experiment_id = submit(methods=[search], seeds=[0], max_attempts=1)
    hand.finish(hand.take())
    good, bad = hand.take(), hand.take()
    event = EvaluationEvent(
        time=0.0, split="val", step=1, epoch=1, evaluator="e", dataset_hash="0" * 64, num_images=1,
        num_boxes=1, metrics={"ap": 0.5}, per_class={},
    )  # fmt: skip
    with sessions.begin() as session:
        ledger.record(session, good, [event])
    hand.finish(good)
    hand.finish(bad, state=AttemptState.FAILED, code="nonfinite_loss", reason="the loss became nan")
    student = hand.take()
    chosen = hand.job(student.job_id).spec["method"]
    hand.fail(student)
    with sessions.begin() as session:
        assert ledger.resume_experiment(session, experiment_id) == [student.job_id]
    assert hand.job(bad.job_id).state is JobState.FAILED
    assert hand.job(student.job_id).spec["method"] == chosen
    with sessions() as session:
        chosen_events = select(Event.id).where(Event.job_id == student.job_id, Event.kind == "search.chosen")
        assert len(session.scalars(chosen_events).all()) == 1
