"""What an experiment amounts to, from measurements made up for the test."""

from typing import Any

import pytest

from frs_core.planning.advice import GIB
from frs_core.planning.plan import Device, Images, Measured, Plan, make_plan
from frs_core.spec import ExperimentSpec

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
IMAGES = Images(train=100, val=10, test=20)
GPU = Device(name="a GPU", on_gpu=True, memory_bytes=16 * GIB)


@pytest.fixture
def experiment() -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "planned",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "teacher": {"detector": DETECTOR, "train": {"epochs": 2}},
            "student": {"detector": DETECTOR},
            "schedule": {"epochs": 4, "batch_size": 8, "evaluate_every_epochs": 2},
            "methods": ["none", "frs"],
            "seeds": [0, 1, 2],
        }
    )


def measured(seconds: float | None = 2.0, *, fitted: bool = True, **peaks: int) -> Measured:
    at = {int(key[1:]): value * GIB for key, value in (peaks or {"b8": 4}).items()}
    return Measured(
        fitted=fitted,
        seconds_per_step=seconds,
        seconds_per_image=0.5,
        peaks=at,
        state_bytes=300,
        weights_bytes=100,
    )


def plan_of(experiment: ExperimentSpec, slots: int = 1, **rows: Measured) -> Plan:
    found = {"teacher": measured(1.0), "none": measured(1.0), "frs": measured(2.0)} | rows
    return make_plan(experiment, images=IMAGES, num_slots=slots, device=GPU, measured=found)


def test_jobs_steps_time_and_disk_add_up(experiment: ExperimentSpec) -> None:
    plan = plan_of(experiment)
    teacher, none, frs = plan.rows
    assert [(row.label, row.jobs, row.steps) for row in plan.rows] == [
        ("teacher", 1, 26),
        ("none", 3, 52),
        ("frs", 3, 52),
    ]
    assert (plan.num_jobs, plan.steps) == (7, 26 + 6 * 52)
    # one evaluation within four epochs, and the last: 2 x 10 + 20 images; the teacher's two epochs have one
    assert (teacher.seconds, none.seconds, frs.seconds) == (26 + 15, 52 + 20, 104 + 20)
    assert plan.seconds == 41 + 3 * 72 + 3 * 124
    assert plan.disk_bytes == 7 * (2 * 300 + 4 * 100)
    assert plan.fits is True


def test_students_run_beside_each_other_but_after_the_teacher(experiment: ExperimentSpec) -> None:
    assert plan_of(experiment, slots=6).seconds == 41 + 124
    assert plan_of(experiment, slots=100).seconds == 41 + 124


def test_a_row_that_does_not_fit_says_what_to_change(experiment: ExperimentSpec) -> None:
    plan = plan_of(experiment, frs=measured(2.0, fitted=False, b2=8, b4=12))
    assert plan.fits is False
    assert [row.fits for row in plan.rows] == [True, True, False]
    assert "schedule.batch_size to 4 instead of 8, and schedule.accumulate to 2" in plan.rows[2].advice[0]
    assert plan.rows[2].memory_bytes == 20 * GIB
    nothing = plan_of(experiment, frs=Measured(fitted=False))
    assert (nothing.rows[2].fits, nothing.seconds) == (False, None)


def test_without_measuring_only_counts_are_known(experiment: ExperimentSpec) -> None:
    plan = make_plan(experiment, images=IMAGES, num_slots=1)
    assert (plan.timed, plan.num_jobs, plan.steps) == (False, 7, 26 + 6 * 52)
    assert (plan.seconds, plan.disk_bytes, plan.fits) == (None, None, None)
    assert make_plan(experiment, images=None, num_slots=1).steps is None


def test_a_teacher_that_is_given_is_only_evaluated(experiment: ExperimentSpec) -> None:
    body: dict[str, Any] = experiment.model_dump(mode="json")
    body["teacher"] |= {"train": None, "checkpoint": "/weights.pth"}
    plan = plan_of(ExperimentSpec.model_validate(body))
    assert (plan.rows[0].steps, plan.rows[0].seconds, plan.rows[0].memory_bytes) == (0, 15, None)
    assert plan.fits is True


def test_processes_on_the_cpu_share_the_hosts_memory(experiment: ExperimentSpec) -> None:
    body: dict[str, Any] = experiment.model_dump(mode="json")
    shared = ExperimentSpec.model_validate({**body, "resources": {"processes": 2}})
    host = Device(name="cpu", on_gpu=False, memory_bytes=16 * GIB)
    rows = {label: measured(1.0, b4=8) for label in ("teacher", "none", "frs")}
    plan = make_plan(shared, images=IMAGES, num_slots=1, device=host, measured=rows)
    assert plan.fits is False  # 8 GiB of a half of 16, of which a tenth is not ours
    assert plan.rows[0].memory_bytes == 8 * GIB
