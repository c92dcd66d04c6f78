"""Leases: who lost its job changes nothing, whatever it tries."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import ArtifactEvent, CheckpointEvent, CheckpointKind, MetricEvent
from service.db import ledger
from service.db.models import Artifact, Attempt, Base, Checkpoint, Event, Job, LogChunk, MetricPoint
from service.db.states import AttemptState, DesiredState, JobState
from service.db.types import utc_now
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]
Verb = Callable[[Session, ledger.Lease], object]
METRIC = MetricEvent(time=0.0, step=1, values={"train/loss": 1.0})
CHECKPOINT = CheckpointEvent(
    time=0.0, kind=CheckpointKind.STATE, path="x", step=1, epoch=1, sha256="0" * 64, size_bytes=1
)
ARTIFACT = ArtifactEvent(
    time=0.0, name="a.json", path="a.json", media_type="application/json", sha256="0" * 64, size_bytes=1
)
SUCCESS = ledger.Ending(state=AttemptState.SUCCEEDED)
VERBS: dict[str, Verb] = {
    "record_process": lambda session, lease: ledger.record_process(
        session, lease, host="there", pid=2, process_started_at=0.0
    ),
    "heartbeat": lambda session, lease: ledger.heartbeat(session, lease, lease_seconds=60),
    "record": lambda session, lease: ledger.record(session, lease, [METRIC]),
    "record_checkpoint": lambda session, lease: ledger.record_checkpoint(session, lease, CHECKPOINT, uri="u"),
    "record_artifact": lambda session, lease: ledger.record_artifact(session, lease, ARTIFACT, uri="u"),
    "append_log": lambda session, lease: ledger.append_log(session, lease, offset=0, text="late"),
    "finish": lambda session, lease: ledger.finish(session, lease, SUCCESS),
}


def _everything(sessions: Sessions) -> dict[str, list[tuple[object, ...]]]:
    with sessions() as session:
        return {
            table.name: sorted(map(tuple, session.execute(select(table)).all()), key=repr)
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("taken_over", [False, True], ids=["lost", "taken over"])
def test_an_attempt_without_the_lease_changes_nothing(
    hand: Hand, submit: Submit, sessions: Sessions, verb: Verb, taken_over: bool
) -> None:
    submit()
    stale = hand.take()
    hand.let_expire(stale)
    assert hand.reap() == [stale.job_id]
    if taken_over:
        hand.skip_delay(stale.job_id)
        assert hand.take().token == 2
    before = _everything(sessions)
    with pytest.raises(ledger.StaleLeaseError, match=stale.job_id), sessions.begin() as session:
        verb(session, stale)
    assert _everything(sessions) == before


def test_a_verb_that_comes_again_after_the_end_is_refused(hand: Hand, submit: Submit) -> None:
    submit()
    lease = hand.take()
    hand.finish(lease)
    with pytest.raises(ledger.StaleLeaseError):
        hand.finish(lease)


def test_an_expired_lease_that_nobody_took_is_still_held(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    hand.let_expire(lease)
    with sessions.begin() as session:
        ledger.heartbeat(session, lease, lease_seconds=60)
    assert hand.reap() == []
    assert hand.job(lease.job_id).state is JobState.RUNNING


def test_a_heartbeat_renews_the_lease_and_tells_what_is_wanted(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        assert ledger.heartbeat(session, lease, lease_seconds=600) is DesiredState.RUN
    with sessions() as session:
        left = session.get_one(Attempt, lease.attempt_id).lease_expires_at - utc_now()
    assert timedelta(seconds=500) < left <= timedelta(seconds=600)
    with sessions.begin() as session:
        assert ledger.request_cancel(session, lease.job_id) is JobState.RUNNING
    with sessions.begin() as session:
        assert ledger.heartbeat(session, lease, lease_seconds=60) is DesiredState.CANCEL


def test_a_running_process_is_recorded(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.record_process(session, lease, host="there", pid=77, process_started_at=12.5)
    with sessions() as session:
        attempt = session.get_one(Attempt, lease.attempt_id)
    assert (attempt.host, attempt.pid, attempt.process_started_at) == ("there", 77, 12.5)


def test_the_reaper_leaves_attempts_whose_lease_runs(hand: Hand, submit: Submit) -> None:
    submit()
    lease = hand.take()
    assert hand.reap() == []
    assert hand.job(lease.job_id).state is JobState.RUNNING


def test_a_lost_job_is_queued_again_with_delay_and_keeps_its_rank(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    rank = hand.job(lease.job_id).rank
    hand.let_expire(lease)
    hand.reap()
    job = hand.job(lease.job_id)
    assert (job.state, job.reason_code, job.rank) == (JobState.QUEUED, "lease_lost", rank)
    assert job.not_before is not None
    assert timedelta(seconds=5) < job.not_before - utc_now() <= timedelta(seconds=10)
    with sessions() as session:
        attempt = session.get_one(Attempt, lease.attempt_id)
    assert (attempt.state, attempt.reason_code) == (AttemptState.LOST, "lease_lost")
    assert attempt.ended_at is not None


def test_a_job_lost_too_often_fails_and_blocks_what_waits_for_it(hand: Hand, submit: Submit) -> None:
    experiment_id = submit(max_attempts=2)
    for _ in range(2):
        lease = hand.take()
        hand.let_expire(lease)
        hand.reap()
        hand.skip_delay(lease.job_id)
    teacher, *students = hand.jobs(experiment_id)
    assert (teacher.state, teacher.num_attempts) == (JobState.FAILED, 2)
    assert teacher.reason_code == "lease_lost"
    assert {student.state for student in students} == {JobState.BLOCKED}


def test_a_lost_job_whose_cancel_was_asked_for_is_cancelled(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.request_cancel(session, lease.job_id)
    hand.let_expire(lease)
    hand.reap()
    assert hand.job(lease.job_id).state is JobState.CANCELLED


def test_one_job_never_has_two_running_attempts(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == lease.job_id).values(state=JobState.QUEUED))
    with pytest.raises(IntegrityError, match=r"uq_attempts_one_running|attempts.job_id"):
        hand.take()
    with sessions() as session:
        assert session.scalars(select(Attempt.id)).all() == [lease.attempt_id]


def test_what_the_holder_writes_is_kept(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    for name in ("record", "record_checkpoint", "record_artifact", "append_log"):
        with sessions.begin() as session:
            VERBS[name](session, lease)
    with sessions() as session:
        for table in (MetricPoint, Checkpoint, Artifact, LogChunk):
            assert session.scalar(select(func.count()).select_from(table)) == 1
        assert (
            session.scalars(select(Event.kind).where(Event.job_id == lease.job_id)).all() == ["job.state"] * 2
        )
