"""Submitting: the rows of an experiment, and what a repeated request makes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.datasets.records import DatasetReport
from frs_core.events import CheckpointKind
from frs_core.spec import JobSpec
from service.db.models import (
    Event,
    Experiment,
    ExperimentTag,
    IdempotencyKey,
    Job,
    JobDependency,
    OutboxMessage,
)
from service.db.queries import job_checkpoints
from service.db.states import JobState
from service.jobs.submit import (
    IdempotencyConflictError,
    UnknownCheckpointError,
    submit_experiment,
    submit_job,
)
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import SMALL_DETECTOR, MakeSpec, Submit

Sessions = sessionmaker[Session]
REPORT = DatasetReport(classes=("cell",), splits={}, dataset_hash="d" * 64, errors=(), warnings=())


def _count(session: Session, table: type[Any]) -> int | None:
    return session.scalar(select(func.count()).select_from(table))


def _job_spec(**changes: Any) -> JobSpec:
    return JobSpec.model_validate(
        {
            "kind": "train",
            "name": "alone",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "detector": SMALL_DETECTOR,
            **changes,
        }
    )


def test_an_experiment_is_written_with_its_jobs_in_order(
    hand: Hand, submit: Submit, sessions: Sessions
) -> None:
    experiment_id = submit(seeds=[3, 5], tags=["b", "a"], submitted_by="ann")
    teacher, *students = hand.jobs(experiment_id)
    assert (teacher.role, teacher.kind, teacher.method, teacher.state) == (
        "teacher", "train", None, JobState.QUEUED,
    )  # fmt: skip
    assert [(job.label, job.method, job.seed, job.position) for job in students] == [
        ("none", "none", 3, 1), ("frs", "frs", 3, 2), ("none", "none", 5, 3), ("frs", "frs", 5, 4),
    ]  # fmt: skip
    assert {(job.role, job.kind, job.state) for job in students} == {("student", "distill", JobState.WAITING)}
    assert {job.submitted_by for job in (teacher, *students)} == {"ann"}
    with sessions() as session:
        waits = session.execute(select(JobDependency.job_id, JobDependency.depends_on_id)).all()
        assert {tuple(row) for row in waits} == {(job.id, teacher.id) for job in students}
        assert session.scalars(select(OutboxMessage.job_id)).all() == [teacher.id]
        assert session.scalars(select(ExperimentTag.tag).order_by(ExperimentTag.tag)).all() == ["a", "b"]
        kinds = session.scalars(select(Event.kind).order_by(Event.id)).all()
    assert kinds == ["experiment.submitted", "job.state"]


def test_the_data_sets_report_is_kept(make_spec: MakeSpec, sessions: Sessions) -> None:
    with sessions.begin() as session:
        experiment_id = submit_experiment(session, make_spec(), dataset_report=REPORT).id
    with sessions() as session:
        kept = session.get_one(Experiment, experiment_id).dataset_report
    assert DatasetReport.model_validate(kept) == REPORT


def test_the_same_key_and_body_give_the_same_experiment(make_spec: MakeSpec, sessions: Sessions) -> None:
    ids = []
    for _ in range(2):
        with sessions.begin() as session:
            ids.append(
                submit_experiment(session, make_spec(), dataset_report=None, idempotency=("key", "body")).id
            )
    assert ids[0] == ids[1]
    with sessions() as session:
        assert (_count(session, Experiment), _count(session, Job), _count(session, IdempotencyKey)) == (
            1,
            3,
            1,
        )


def test_the_same_key_with_another_body_is_refused(make_spec: MakeSpec, sessions: Sessions) -> None:
    with sessions.begin() as session:
        submit_experiment(session, make_spec(), dataset_report=None, idempotency=("key", "body"))
    with (
        pytest.raises(IdempotencyConflictError, match="came before"),
        sessions.begin() as session,
    ):
        submit_experiment(session, make_spec(), dataset_report=None, idempotency=("key", "other"))
    with pytest.raises(IdempotencyConflictError), sessions.begin() as session:
        submit_job(session, _job_spec(), idempotency=("key", "body"))
    with sessions() as session:
        assert _count(session, Experiment) == 1


def test_simultaneous_requests_with_one_key_make_one_experiment(
    make_spec: MakeSpec, sessions: Sessions
) -> None:
    start = threading.Barrier(6)

    def post(_: int) -> str:
        start.wait()
        with sessions.begin() as session:
            return submit_experiment(
                session, make_spec(), dataset_report=None, idempotency=("key", "body")
            ).id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(post, range(6)))) == 1
    with sessions() as session:
        assert (_count(session, Experiment), _count(session, Job)) == (1, 3)


def test_a_submission_that_fails_leaves_its_key_free(make_spec: MakeSpec, sessions: Sessions) -> None:
    missing = make_spec(teacher={"detector": SMALL_DETECTOR, "checkpoint": "0" * 16})
    with pytest.raises(UnknownCheckpointError, match=r"teacher\.checkpoint"), sessions.begin() as session:
        submit_experiment(session, missing, dataset_report=None, idempotency=("key", "body"))
    with sessions.begin() as session:
        submit_experiment(session, make_spec(), dataset_report=None, idempotency=("key", "better body"))
    with sessions() as session:
        assert _count(session, Experiment) == 1


def test_only_stored_weights_can_be_named(hand: Hand, submit: Submit, sessions: Sessions) -> None:
    submit()
    lease = hand.take()
    hand.save(lease, CheckpointKind.STATE, 1)
    with sessions() as session:
        state_id = job_checkpoints(session, lease.job_id)[0].id
    spec = _job_spec(kind="evaluate", checkpoint=state_id)
    with pytest.raises(UnknownCheckpointError, match="kind `state`") as caught, sessions.begin() as session:
        submit_job(session, spec)
    assert caught.value.field == "checkpoint"


def test_a_path_is_taken_as_it_is(sessions: Sessions) -> None:
    with sessions.begin() as session:
        job = submit_job(session, _job_spec(kind="evaluate", checkpoint="/weights/teacher.pth"))
    assert job.spec["checkpoint"] == "/weights/teacher.pth"


def test_a_job_of_its_own_is_queued_and_repeats_give_it_back(hand: Hand, sessions: Sessions) -> None:
    ids = []
    for _ in range(2):
        with sessions.begin() as session:
            ids.append(submit_job(session, _job_spec(), idempotency=("key", "body"), max_attempts=7).id)
    assert ids[0] == ids[1]
    job = hand.job(ids[0])
    assert (job.experiment_id, job.state, job.role, job.max_attempts) == (
        None,
        JobState.QUEUED,
        "detector",
        7,
    )
    claim = hand.claim()
    assert claim is not None
    assert claim.spec == _job_spec()


def test_job_keys_ignore_names_and_know_what_changes_the_result(sessions: Sessions) -> None:
    def key(report: DatasetReport | None = REPORT, **changes: Any) -> str:
        with sessions.begin() as session:
            return submit_job(session, _job_spec(**changes), dataset_report=report).job_key

    usual = key()
    assert key(name="other", tags=["x"], submitted_by="ann") == usual
    others = [key(seed=1), key(input_size=[128, 64]), key(None)]
    assert len({usual, *others}) == 4


def test_job_keys_ignore_a_methods_label(hand: Hand, submit: Submit) -> None:
    experiment_id = submit(methods=["frs", {"name": "frs", "label": "again"}])
    _, first, second = hand.jobs(experiment_id)
    assert first.label != second.label
    assert first.job_key == second.job_key


def test_job_keys_of_students_that_read_the_teacher_know_how_it_is_trained(
    hand: Hand, submit: Submit
) -> None:
    def keys(**teacher: Any) -> list[str]:
        made = submit(teacher={"detector": SMALL_DETECTOR, "train": {"epochs": 1}, **teacher})
        return [job.job_key for job in hand.jobs(made)]

    usual = keys()
    assert keys() == usual
    _, none, _ = usual
    assert set(usual) & set(keys(train={"epochs": 2})) == {none}
    assert set(usual) & set(keys(seed=1)) == {none}
