"""Claiming: who gets which job, and what a new attempt starts from."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import CheckpointKind, EvaluationEvent, MetricEvent
from service.db import ledger
from service.db.experiments import delete_experiment
from service.db.models import Attempt, Evaluation, Job, MetricPoint
from service.db.states import AttemptState, JobState
from service.db.types import utc_now
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import SMALL_DETECTOR, Submit

DEFORMABLE = {"zoo": "dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco"}
Sessions = sessionmaker[Session]


def _change_jobs(sessions: Sessions, **values: Any) -> None:
    with sessions.begin() as session:
        session.execute(update(Job).values(**values))


def test_an_empty_queue_gives_no_job(hand: Hand, sessions: Sessions) -> None:
    assert hand.claim() is None
    with sessions() as session:
        assert not ledger.has_claimable(session, gpus=8)


def test_a_claim_starts_an_attempt_with_the_next_token(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    with sessions() as session:
        assert ledger.has_claimable(session, gpus=0)
    claim = hand.claim()
    teacher = hand.jobs(experiment_id)[0]
    assert claim is not None
    assert claim.lease.job_id == teacher.id
    assert claim.lease.token == teacher.token == teacher.num_attempts == 1
    assert claim.spec.model_dump(mode="json") == teacher.spec
    assert claim.experiment_id == experiment_id
    assert claim.resume_from is None
    assert claim.weights == {}
    assert teacher.state is JobState.RUNNING
    with sessions() as session:
        attempt = session.get_one(Attempt, claim.lease.attempt_id)
        assert (attempt.state, attempt.worker_id) == (AttemptState.RUNNING, hand.worker_id)
        assert timedelta(seconds=50) < attempt.lease_expires_at - utc_now() <= timedelta(seconds=60)


def test_students_wait_until_their_teacher_has_succeeded(hand: Hand, submit: Submit) -> None:
    submit()
    hand.take()
    assert hand.claim() is None


def test_priority_outweighs_age(hand: Hand, submit: Submit) -> None:
    submit(name="early")
    urgent = submit(name="urgent", priority=1)
    claim = hand.claim()
    assert claim is not None
    assert claim.experiment_id == urgent


def test_experiments_take_turns(hand: Hand, submit: Submit) -> None:
    first, second = submit(name="first"), submit(name="second")
    for _ in range(2):
        hand.finish(hand.take())
    claims = [hand.claim() for _ in range(4)]
    assert [claim.experiment_id for claim in claims if claim] == [first, second, first, second]


@pytest.mark.parametrize(
    "values",
    [
        {"gpus": 1},
        {"not_before": utc_now() + timedelta(hours=1)},
        {"desired_state": "pause"},
        {"state": JobState.PAUSED},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_job_that_may_not_run_here_and_now_is_left(
    hand: Hand, submit: Submit, sessions: Sessions, values: dict[str, Any]
) -> None:
    submit()
    _change_jobs(sessions, **values)
    assert hand.claim() is None
    with sessions() as session:
        assert not ledger.has_claimable(session, gpus=0)


def test_a_job_with_operators_goes_to_a_worker_that_has_them(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit(student={"detector": DEFORMABLE}, methods=["none"])
    teacher = hand.claim()
    assert teacher is not None, "only the student needs them"
    hand.finish(teacher.lease)
    assert hand.claim() is None
    with sessions() as session:
        assert not ledger.has_claimable(session, gpus=8)
        assert ledger.has_claimable(session, gpus=0, operators=True)
    assert hand.claim(operators=True) is not None


def test_a_job_with_gpus_goes_to_a_worker_that_has_them(hand: Hand, submit: Submit) -> None:
    submit(resources={"gpus": 1})
    assert hand.claim(gpus=0) is None
    assert hand.claim(gpus=1) is not None


def test_a_job_for_several_gpus_is_not_overtaken_until_they_are_free(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    for gpus in (2, 1, 0):
        submit(resources={"gpus": gpus})

    def claim(free: int) -> int | None:
        with sessions() as session:
            told = ledger.has_claimable(session, gpus=free, all_gpus=2)
        found = hand.claim(gpus=free, all_gpus=2)
        assert told == (found is not None)
        return None if found is None else found.spec.resources.gpus

    assert [claim(1), claim(1), claim(2), claim(0), claim(1)] == [0, None, 2, None, 1]


def test_many_workers_never_get_the_same_job(hand: Hand, submit: Submit) -> None:
    submit(methods=["none"], seeds=list(range(49)))
    hand.finish(hand.take())
    submit(name="another")
    start = threading.Barrier(8)

    def work(_: int) -> list[str]:
        start.wait()
        mine = []
        while (claim := hand.claim()) is not None:
            mine.append(claim.lease.job_id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [job_id for mine in pool.map(work, range(8)) for job_id in mine]
    assert len(taken) == len(set(taken)) == 50


def test_a_retry_continues_from_the_newest_state(hand: Hand, submit: Submit) -> None:
    submit()
    lease = hand.take()
    for step in (10, 20):
        hand.save(lease, CheckpointKind.STATE, step)
    hand.save(lease, CheckpointKind.WEIGHTS, 30)
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    claim = hand.claim()
    assert claim is not None
    assert claim.resume_from is not None
    assert (claim.resume_from.step, claim.resume_from.epoch) == (20, 2)
    assert (claim.resume_from.uri, claim.resume_from.sha256) == ("file:///state-20", f"{20:064x}")
    assert hand.job(lease.job_id).step == 20


@pytest.mark.parametrize(("saved_step", "kept"), [(2, [1, 2]), (None, [])])
def test_a_retry_forgets_what_was_recorded_beyond_its_start(
    hand: Hand, submit: Submit, sessions: Sessions, saved_step: int | None, kept: list[int]
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        ledger.record(session, lease, [*map(_metric, (1, 2, 3)), *map(_evaluation, (1, 2, 3))])
    if saved_step is not None:
        hand.save(lease, CheckpointKind.STATE, saved_step)
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    assert hand.take().token == 2
    with sessions() as session:
        assert list(session.scalars(select(MetricPoint.step).order_by(MetricPoint.step))) == kept
        assert list(session.scalars(select(Evaluation.step).order_by(Evaluation.step))) == kept


def _metric(step: int) -> MetricEvent:
    return MetricEvent(time=0.0, step=step, values={"train/loss": 1.0})


def _evaluation(step: int) -> EvaluationEvent:
    return EvaluationEvent(
        time=0.0, split="val", step=step, epoch=step, evaluator="e", dataset_hash="h", num_images=1,
        num_boxes=1, metrics={"ap": 0.5},
    )  # fmt: skip


def test_a_student_is_given_its_teachers_last_weights(hand: Hand, submit: Submit) -> None:
    submit()
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 10)
    hand.save(lease, CheckpointKind.WEIGHTS, 20)
    hand.finish(lease)
    claim = hand.claim()
    assert claim is not None
    assert claim.weights["teacher"].uri == "file:///weights-20"
    assert claim.resume_from is None


def test_students_take_what_the_job_of_a_given_teacher_stored(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    submit()
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 10)
    hand.finish(lease)
    stored = hand.claim().weights["teacher"].checkpoint_id
    _change_jobs(sessions, state=JobState.CANCELLED)
    submit(teacher={"detector": SMALL_DETECTOR, "checkpoint": stored}, methods=["frs"])
    evaluate = hand.claim()
    assert evaluate.weights["checkpoint"].checkpoint_id == stored
    assert evaluate.spec.kind == "evaluate"
    hand.save(evaluate.lease, CheckpointKind.WEIGHTS, 0)
    hand.finish(evaluate.lease)
    given = hand.claim().weights["teacher"]
    assert given.checkpoint_id != stored
    assert given.step == 0


def test_what_a_student_starts_with_is_given(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 10)
    hand.finish(lease)
    stored = hand.claim().weights["teacher"].checkpoint_id
    _change_jobs(sessions, state=JobState.CANCELLED)
    submit(student={"detector": SMALL_DETECTOR, "checkpoint": stored}, methods=["frs"])
    teacher = hand.claim()
    assert teacher.weights == {}
    hand.save(teacher.lease, CheckpointKind.WEIGHTS, 5)
    hand.finish(teacher.lease)
    student = hand.claim().weights
    assert student["checkpoint"].checkpoint_id == stored
    assert student["teacher"].step == 5


def test_a_job_whose_stored_checkpoint_was_deleted_fails_with_the_reason(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    origin = submit()
    lease = hand.take()
    hand.save(lease, CheckpointKind.WEIGHTS, 10)
    hand.finish(lease)
    stored = hand.claim().weights["teacher"].checkpoint_id
    _change_jobs(sessions, state=JobState.CANCELLED)
    heir = submit(teacher={"detector": SMALL_DETECTOR, "checkpoint": stored}, methods=["frs"])
    with sessions.begin() as session:
        delete_experiment(session, origin)
    assert hand.claim() is None
    teacher, student = hand.jobs(heir)
    assert (teacher.state, teacher.reason_field) == (JobState.FAILED, "checkpoint")
    assert f"{stored} was deleted" in (teacher.reason or "")
    assert student.state is JobState.BLOCKED


def test_a_job_that_cannot_be_read_fails_and_blocks_its_students(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit()
    _change_jobs(sessions, spec={"kind": "train", "colour": "blue"})
    assert hand.claim() is None
    teacher, *students = hand.jobs(experiment_id)
    assert (teacher.state, teacher.reason_code) == (JobState.FAILED, "invalid_spec")
    assert teacher.reason_field
    assert {student.state for student in students} == {JobState.BLOCKED}
    with sessions() as session:
        assert session.scalars(select(Attempt.state)).one() is AttemptState.FAILED
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1


def test_the_queue_is_read_through_its_partial_index(database: Engine, hand: Hand) -> None:
    statements: list[tuple[str, Any]] = []

    @event.listens_for(database, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    hand.claim()
    (statement, parameters) = next(item for item in statements if item[0].startswith("UPDATE jobs"))
    is_sqlite = database.dialect.name == "sqlite"
    with database.connect() as connection:
        if not is_sqlite:  # it scans a small table whatever indexes it has
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
            connection.exec_driver_sql("SET enable_sort = off")  # of a few rows it is as cheap as an index
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).fetchall()
    plan = "\n".join(str(row[-1]) for row in rows)
    assert "ix_jobs_queue" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
