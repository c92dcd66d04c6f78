"""Which rows of the database a comparison is made of."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from service.comparison.load import comparison_of
from service.db.models import Base, Checkpoint, Evaluation, Experiment, Job, JobDependency

ZOO = "retinanet/retinanet_r50_fpn_1x_coco"
DATASET = {"format": "coco", "root": "/data", "train": "a.json", "val": "b.json", "test": "c.json"}


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def add_experiment(session: Session) -> Callable[..., str]:
    def add(dataset: dict[str, Any], **parts: Any) -> str:
        experiment = Experiment(name="cells", spec={"dataset": dataset, **parts})
        session.add(experiment)
        session.flush()
        return experiment.id

    return add


@pytest.fixture
def add_job(session: Session) -> Callable[..., Job]:
    def add(experiment_id: str, label: str, seed: int, state: str = "succeeded", **schedule: Any) -> Job:
        is_teacher = label == "teacher"
        spec = {
            "detector": {"zoo": ZOO, "backbone_depth": 34 if is_teacher else 18},
            "schedule": {"epochs": 8, **schedule},
            "input_size": [320, 240],
            "teacher": None if is_teacher else {"detector": {"zoo": ZOO, "backbone_depth": 34}},
        }
        job = Job(
            experiment_id=experiment_id,
            kind="train" if is_teacher else "distill",
            role="teacher" if is_teacher else "student",
            label=label,
            name=label,
            method=None if is_teacher else label,
            seed=seed,
            spec=spec,
            job_key="k",
            state=state,
            position=("teacher", "none", "frs").index(label),
        )
        session.add(job)
        session.flush()
        return job

    return add


@pytest.fixture
def evaluate(session: Session) -> Callable[..., None]:
    def add(job: Job, split: str, step: int, ap: float) -> None:
        session.add(
            Evaluation(
                job_id=job.id, token=1, split=split, step=step, epoch=1, num_images=5, num_boxes=9,
                evaluator="faster-coco-eval 1.8.0", dataset_hash="d" * 64, metrics={"ap": ap}, per_class={},
            )
        )  # fmt: skip
        session.flush()

    return add


def test_the_last_evaluation_on_the_test_split_counts(session, add_experiment, add_job, evaluate):
    experiment = add_experiment(DATASET)
    job = add_job(experiment, "none", 0)
    for split, step, ap in (("test", 20, 0.25), ("test", 10, 0.9), ("val", 30, 0.8)):
        evaluate(job, split, step, ap)
    comparison = comparison_of(session, experiment)
    assert comparison.rows[0].metrics["ap"].mean == 0.25
    assert (comparison.experiment, comparison.name, comparison.split) == (experiment, "cells", "test")


def test_without_a_test_split_val_counts_and_is_said(session, add_experiment, add_job, evaluate):
    experiment = add_experiment({**DATASET, "test": None})
    evaluate(add_job(experiment, "none", 0), "val", 10, 0.5)
    comparison = comparison_of(session, experiment)
    assert comparison.split == "val"
    assert comparison.rows[0].metrics["ap"].mean == 0.5


def test_a_job_that_has_not_succeeded_counts_as_unfinished(session, add_experiment, add_job, evaluate):
    experiment = add_experiment(DATASET)
    evaluate(add_job(experiment, "none", 0), "test", 10, 0.5)
    evaluate(add_job(experiment, "frs", 1, state="running"), "test", 10, 0.7)
    comparison = comparison_of(session, experiment)
    assert [row.seeds for row in comparison.rows] == [(0,), ()]
    assert "1 of 2 jobs have not finished: this compares what is there so far." in comparison.warnings


def test_a_teacher_and_its_students_are_told_apart(session, add_experiment, add_job, evaluate):
    experiment = add_experiment(DATASET)
    for label, ap in (("none", 0.3), ("teacher", 0.5), ("frs", 0.4)):
        evaluate(add_job(experiment, label, 0), "test", 10, ap)
    teacher, _, frs = comparison_of(session, experiment).rows
    assert teacher.role == "teacher"
    assert frs.gap_closed == pytest.approx(0.5)


def test_jobs_of_other_experiments_stay_out(session, add_experiment, add_job, evaluate):
    experiment, other = add_experiment(DATASET), add_experiment(DATASET)
    evaluate(add_job(experiment, "none", 0), "test", 10, 0.3)
    evaluate(add_job(other, "none", 1), "test", 10, 0.9)
    assert comparison_of(session, experiment).rows[0].seeds == (0,)


def test_students_trained_on_other_schedules_are_refused(session, add_experiment, add_job, evaluate):
    experiment = add_experiment(DATASET)
    evaluate(add_job(experiment, "none", 0), "test", 10, 0.3)
    evaluate(add_job(experiment, "frs", 0, epochs=9), "test", 10, 0.3)
    with pytest.raises(ValueError, match="differ in schedule"):
        comparison_of(session, experiment)


@pytest.fixture
def taught(
    session: Session, add_job: Callable[..., Job], evaluate: Callable[..., None]
) -> Callable[..., Job]:
    """Adds a student with a result, of a teacher whose stored weights have this hash."""

    def add(experiment: str, label: str, seed: int, sha256: str) -> Job:
        teacher, student = add_job(experiment, "teacher", seed), add_job(experiment, label, seed)
        student.spec = {**student.spec, "method": {"name": label}}
        session.add(JobDependency(job_id=student.id, depends_on_id=teacher.id, role="teacher"))
        session.add(
            Checkpoint(
                job_id=teacher.id, token=1, kind="weights", step=9, epoch=1, uri=f"file:{teacher.id}",
                sha256=sha256, size_bytes=1,
            )
        )  # fmt: skip
        evaluate(student, "test", 10, 0.3)
        return student

    return add


def test_students_of_teachers_with_other_weights_are_refused(session, add_experiment, taught):
    experiment = add_experiment(DATASET)
    for seed, sha256 in enumerate(("a" * 64, "b" * 64)):
        taught(experiment, "frs", seed, sha256)
    with pytest.raises(ValueError, match="differ in teacher"):
        comparison_of(session, experiment)


def test_a_student_that_learns_from_no_teacher_may_have_any(session, add_experiment, taught):
    experiment = add_experiment(DATASET)
    taught(experiment, "none", 0, "a" * 64)
    taught(experiment, "frs", 1, "b" * 64)
    assert [row.label for row in comparison_of(session, experiment).rows] == ["teacher", "none", "frs"]


def test_a_teacher_named_by_its_stored_weights_is_the_one_that_stored_them(session, add_experiment, taught):
    experiment = add_experiment(DATASET)
    taught(experiment, "frs", 0, "a" * 64)
    weights = session.query(Checkpoint).one()
    clone = taught(experiment, "frs", 1, "b" * 64)
    session.query(JobDependency).filter_by(job_id=clone.id).delete()
    clone.spec = {**clone.spec, "teacher": {**clone.spec["teacher"], "checkpoint": weights.id}}
    session.flush()
    assert comparison_of(session, experiment).rows


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ({"init": "imagenet"}, "frs (imagenet)"),
        ({"checkpoint": "/home/ann/big.pth"}, "frs (weights big.pth, "),
    ],
)
def test_students_that_start_otherwise_are_pointed_out(
    session, add_experiment, add_job, evaluate, start, said
):
    experiment = add_experiment(DATASET)
    evaluate(add_job(experiment, "none", 0), "test", 10, 0.3)
    job = add_job(experiment, "frs", 0)
    job.spec = {**job.spec, **start}
    evaluate(job, "test", 10, 0.4)
    told = " ".join(comparison_of(session, experiment).warnings)
    assert f"{said}" in told
    assert "did not start as the baseline none did (scratch)" in told
    assert "/home/ann" not in told


def test_an_unknown_experiment_is_named(session):
    with pytest.raises(LookupError, match="no experiment nothere"):
        comparison_of(session, "nothere")


def test_expectations_come_from_the_specification(session, add_experiment, add_job, evaluate):
    experiment = add_experiment(DATASET, expected={"none": 0.374})
    for label in ("teacher", "none"):
        evaluate(add_job(experiment, label, 0), "test", 10, 0.3)
    assert [row.expected_ap for row in comparison_of(session, experiment).rows] == [None, 0.374]
