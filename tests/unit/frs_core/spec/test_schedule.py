"""What a schedule may say, and what it then means."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core.spec import ExperimentSpec, ScheduleSpec, TeacherTraining

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}


def experiment(**changes: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "schedules",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "teacher": {"detector": DETECTOR},
            "student": {"detector": DETECTOR},
            "methods": ["none"],
            **changes,
        }
    )


def faults(error: ValidationError) -> dict[str, str]:
    return {".".join(map(str, each["loc"])): each["msg"] for each in error.errors()}


@pytest.mark.parametrize(
    ("given", "field", "remedy"),
    [
        ({"epochs": 2, "steps": 9}, "steps", "either `epochs` or `steps`"),
        ({"decay": "cosine", "milestones": [8]}, "milestones", "leave it out, or set `decay: step`"),
        ({"decay": "linear", "gamma": 0.5}, "gamma", "leave it out"),
        ({"epochs": 12, "milestones": [8, 12]}, "milestones", "before the end, at 12 epochs"),
        ({"steps": 50, "milestones": [40, 30]}, "milestones", "must rise"),
        ({"norm_frozen": True}, "norm_frozen", "norm_eval: true"),
        ({"multi_scale": {"sizes": [[96, 64], [96, 80], [96, 96]]}}, "multi_scale.sizes", "mode: choice"),
        ({"multi_scale": {"sizes": [[96, 80], [96, 64]]}}, "multi_scale.sizes", "must not be larger"),
        ({"warmup_start_factor": 0}, "warmup_start_factor", "greater than 0"),
        ({"ema": {"momentum": 0.9998}}, "ema.momentum", "less than or equal to 0.5"),
    ],
)
def test_options_that_contradict_each_other_are_refused_by_name(
    given: dict[str, Any], field: str, remedy: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleSpec.model_validate(given)
    assert list(faults(refused.value)) == [field]
    assert remedy in faults(refused.value)[field]


def test_random_layers_are_not_frozen() -> None:
    frozen = {"schedule": {"frozen_stages": 1}}
    with pytest.raises(ValidationError) as refused:
        experiment(**frozen)
    assert "the student starts from scratch" in faults(refused.value)["schedule.frozen_stages"]
    student = {"student": {"detector": DETECTOR, "init": "imagenet"}}
    with pytest.raises(ValidationError) as refused:
        experiment(**frozen, **student)
    assert "the teacher starts from scratch" in faults(refused.value)["schedule.frozen_stages"]
    experiment(**frozen, **student, teacher={"detector": DETECTOR, "checkpoint": "zoo"})
    experiment(**frozen, **student, teacher={"detector": DETECTOR, "train": {"frozen_stages": -1}})


def test_a_teachers_cache_is_refused_where_sizes_are_drawn() -> None:
    scales = {"multi_scale": {"sizes": [[96, 64], [96, 96]]}}
    with pytest.raises(ValidationError) as refused:
        experiment(schedule=scales, teacher={"detector": DETECTOR, "cache": {}})
    assert "ever new sizes" in faults(refused.value)["teacher.cache"]


def test_fp16_without_a_gpu_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValidationError) as refused:
        experiment(schedule={"precision": "fp16"})
    assert "precision to bf16" in faults(refused.value)["schedule.precision"]
    experiment(schedule={"precision": "fp16"}, resources={"gpus": 1})


def test_a_training_is_as_long_as_its_epochs_or_its_steps() -> None:
    assert ScheduleSpec().epochs == 12
    by_epochs = ScheduleSpec(epochs=3, batch_size=4).length(num_images=10)
    assert (by_epochs.steps, by_epochs.epochs) == (9, 3)
    by_steps = ScheduleSpec(steps=7, batch_size=2, accumulate=2).length(num_images=10)
    assert (by_steps.steps, by_steps.steps_per_epoch, by_steps.epochs) == (7, 3, 2)


def test_the_rate_follows_the_images_of_a_step_where_a_reference_is_given() -> None:
    optimizer = {"name": "sgd", "lr": 0.01}
    assert ScheduleSpec.model_validate({"batch_size": 2, "optimizer": optimizer}).learning_rate == 0.01
    scaled = {"batch_size": 2, "accumulate": 4, "reference_batch": 16, "optimizer": optimizer}
    assert ScheduleSpec.model_validate(scaled).learning_rate == pytest.approx(0.005)


def test_the_teacher_takes_the_experiments_schedule_but_for_what_it_is_given() -> None:
    schedule = ScheduleSpec.model_validate({"epochs": 24, "milestones": [16, 22], "ema": {}, "batch_size": 4})
    train = TeacherTraining.model_validate({"steps": 90, "milestones": [60], "ema": None})
    teacher = TeacherTraining.model_validate(train.model_dump(mode="json")).applied_to(schedule)
    changed = {"epochs": None, "steps": 90, "milestones": (60,), "ema": None}
    assert teacher == schedule.model_copy(update=changed)


def test_what_the_teacher_is_given_must_fit_the_rest() -> None:
    with pytest.raises(ValidationError) as refused:
        experiment(
            schedule={"epochs": 12, "milestones": [8, 11]},
            teacher={"detector": DETECTOR, "train": {"epochs": 8}},
        )
    assert "at 8 epochs" in faults(refused.value)["teacher.train.milestones"]


SGD = {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.0001}
PAPER = {"batch_size": 16, "warmup_steps": 500, "warmup_start_factor": 0.001, "norm_eval": True,
         "clip_grad_norm": None, "optimizer": SGD}  # fmt: skip
SCALES = {"mode": "range", "sizes": [[1333, 480], [1333, 800]]}


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"epochs": 24, "milestones": [16, 22]}, id="RetinaNet 2x"),
        pytest.param({"epochs": 12, "milestones": [8, 11]}, id="GFL 1x"),
        pytest.param({"epochs": 24, "milestones": [16, 22], "multi_scale": SCALES}, id="GFL 2x"),
        pytest.param({"epochs": 24, "milestones": [16, 22], "optimizer": SGD | {"lr": 0.02}}, id="Faster"),
        pytest.param(
            {
                "epochs": 24,
                "milestones": [16, 22],
                "clip_grad_norm": 35,
                "norm_frozen": True,
                "optimizer": SGD | {"bias_lr_mult": 2.0, "bias_decay_mult": 0.0},
            },
            id="FCOS",
        ),
    ],
)
def test_the_papers_recipes_can_be_said(recipe: dict[str, Any]) -> None:
    schedule = ScheduleSpec.model_validate(PAPER | recipe)
    assert ScheduleSpec.model_validate_json(schedule.model_dump_json()) == schedule
