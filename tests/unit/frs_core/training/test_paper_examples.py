"""The rows of the paper's table: valid as they are, and trainable at full size."""

from pathlib import Path
from typing import Any

import pytest

from frs_core.spec import ExperimentSpec, JobSpec, expand

PAPER = Path(__file__).parents[4] / "examples" / "paper"
ROWS = sorted(path.stem for path in PAPER.glob("*.yaml"))

pytestmark = pytest.mark.torch


def test_there_are_the_five_rows() -> None:
    assert ROWS == ["faster-rcnn-1x", "fcos-2x", "gfl-1x", "gfl-2x", "retinanet-2x"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_valid_where_coco_is_not_at_hand(row: str) -> None:
    from service.cli.local_check import check_file
    from service.client.experiment_file import read_experiment_file

    verdict = check_file(read_experiment_file(PAPER / f"{row}.yaml"))
    assert not verdict.faults
    assert "only the specification was checked" in verdict.warnings[0]


@pytest.mark.parametrize("row", ROWS)
def test_the_published_weights_are_those_of_the_published_teacher(row: str) -> None:
    """Within the half point by which an experiment's teacher may differ."""
    from frs_core import zoo

    spec = read(row)
    published = zoo.entry(spec.teacher.detector.zoo).published_ap
    assert published is not None
    assert published / 100 == pytest.approx(spec.expected["teacher"], abs=0.005)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_takes_a_step_at_full_size(row: str) -> None:
    import torch

    from frs_core.training.optimizer import build_optimizer

    job = next(plan.spec for plan in expand(read(row)) if plan.label == "frs")
    model = full_size(job)
    before = model.student.neck.fpn_convs[0].conv.weight.clone()
    values = model.train_step([one_small_image()], build_optimizer(model, job.schedule))
    assert values["frs_feature"] > 0
    assert values["frs_classification"] > 0
    assert not torch.equal(before, model.student.neck.fpn_convs[0].conv.weight)


def read(row: str) -> ExperimentSpec:
    from service.client.experiment_file import read_experiment_file

    return ExperimentSpec.model_validate(read_experiment_file(PAPER / f"{row}.yaml").content)


def full_size(job: JobSpec) -> Any:
    """Student, method and teacher as they would be trained, the weights random, after the warm-up."""
    from frs_core.detectors.builders import build_detector
    from frs_core.training.freeze import freeze
    from frs_core.training.method import build_method
    from frs_core.training.model import DistillingDetector, Teacher

    assert job.teacher is not None
    assert job.method is not None
    student = build_detector(job.detector, 80, seed=0)
    freeze(student, job.schedule)
    teacher = build_detector(job.teacher.detector, 80, seed=1)
    model = DistillingDetector(
        student,
        build_method(job),
        Teacher(teacher, job.teacher.detector.family, job.method.requires),
        seed=0,
        schedule=job.schedule,
    )
    model.step = 500
    return model.train()


def one_small_image() -> Any:
    from frs_core.datasets.check import read_split
    from frs_core.detectors.wall import pseudo_collate
    from frs_core.spec import DatasetSpec
    from frs_core.training.samples import SplitImages

    options = {"train_images": 1, "val_images": 1, "width": 96, "height": 64}
    dataset = DatasetSpec.model_validate({"format": "synthetic", "options": options})
    images = SplitImages(read_split(dataset, "train"), "synthetic", (96, 64), seed=0, flip_probability=0.0)
    return pseudo_collate([images[(0, 0)]])
