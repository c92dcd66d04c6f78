from collections.abc import Callable
from typing import Any

import pytest

from frs_core.datasets.check import check, read_split
from frs_core.spec import ExperimentSpec, smoke_of

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}
CONTENT = {
    "name": "blood",
    "dataset": {"format": "synthetic", "options": {"train_images": 40, "val_images": 30}},
    "input_size": [128, 96],
    "teacher": {"detector": DETECTOR, "train": {"epochs": 24, "milestones": [20]}, "min_ap": 0.3},
    "student": {"detector": DETECTOR},
    "schedule": {"epochs": 12, "milestones": [8], "batch_size": 4, "optimizer": {"lr": 0.01}},
    "methods": ["none", {"name": "frs", "search": {"parameter": "weight", "values": [0.1, 1, 10]}}],
    "seeds": [7, 8],
    "expected": {"teacher": 0.4},
    "tags": ["blood"],
}


def test_a_smoke_run_is_the_same_experiment_in_few_steps() -> None:
    spec = ExperimentSpec.model_validate(smoke_of(CONTENT))
    assert (spec.name, spec.tags, spec.seeds) == ("smoke: blood", ("blood", "smoke"), (7,))
    assert (spec.schedule.steps, spec.teacher_schedule.steps, spec.schedule.batch_size) == (4, 4, 4)
    assert (spec.schedule.optimizer.lr, spec.teacher.min_ap, spec.expected) == (0.01, None, {})
    assert [method.name for method in spec.methods] == ["none", "frs"]
    assert spec.num_search_jobs == 2
    assert {name: split.images for name, split in check(spec.dataset).splits.items()} == {
        "train": 16,
        "val": 16,
    }


def test_there_are_images_for_one_full_step() -> None:
    larger = CONTENT | {
        "schedule": {"batch_size": 4},
        "teacher": {"detector": DETECTOR, "train": {"accumulate": 8}},
    }
    assert smoke_of(larger)["dataset"]["max_images"] == 32


def test_a_smoke_run_of_a_smoke_run_is_no_larger() -> None:
    small = CONTENT | {"dataset": {"format": "synthetic", "max_images": 5}, "tags": ["smoke"]}
    assert smoke_of(small)["dataset"]["max_images"] == 5
    assert smoke_of(small)["tags"] == ["smoke"]


@pytest.mark.parametrize("field", ["schedule", "teacher", "dataset", "methods", "seeds", "tags"])
def test_what_is_malformed_is_left_to_be_refused(field: str) -> None:
    assert smoke_of(CONTENT | {field: "text"})[field] == "text"


def test_the_images_kept_are_spread_and_have_boxes(make_spec: Callable[..., Any]) -> None:
    options = {"train_images": 50, "val_images": 4}
    whole = ExperimentSpec.model_validate(CONTENT | {"dataset": {"format": "synthetic", "options": options}})
    few = whole.dataset.model_copy(update={"max_images": 10})
    ids = [image.id for image in read_split(few, "train").images]
    every = [image.id for image in read_split(whole.dataset, "train").images]
    assert len(set(ids)) == 10
    assert set(ids) < set(every)
    assert every.index(ids[-1]) >= 40
    assert len(read_split(few, "val").images) == 4


def test_a_limit_that_is_not_given_changes_no_hash() -> None:
    dataset = ExperimentSpec.model_validate(CONTENT).dataset
    assert "max_images" not in dataset.model_dump(mode="json")
    assert dataset.model_copy(update={"max_images": 3}).model_dump(mode="json")["max_images"] == 3
