"""How many processes train together, and what they can share."""

from typing import Any

import pytest
from pydantic import ValidationError

from frs_core.spec import ExperimentSpec, ResourcesSpec

DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco"}


def experiment(**changes: Any) -> ExperimentSpec:
    return ExperimentSpec.model_validate(
        {
            "name": "shared",
            "dataset": {"format": "synthetic"},
            "input_size": [96, 64],
            "teacher": {"detector": DETECTOR, "train": {"batch_size": 4}},
            "student": {"detector": DETECTOR},
            "methods": ["none"],
            **changes,
        }
    )


@pytest.mark.parametrize(("gpus", "processes"), [(0, 1), (1, 1), (4, 4)])
def test_there_is_one_process_for_each_gpu_and_one_without(gpus: int, processes: int) -> None:
    resources = ResourcesSpec.model_validate({"gpus": gpus})
    assert resources.processes == processes
    assert ResourcesSpec.model_validate(resources.model_dump()) == resources


def test_another_number_of_processes_than_of_gpus_is_refused() -> None:
    with pytest.raises(ValidationError, match="leave `processes` out, or give 2") as refused:
        ResourcesSpec.model_validate({"gpus": 2, "processes": 3})
    assert refused.value.errors()[0]["loc"] == ("processes",)


@pytest.mark.parametrize(
    ("processes", "schedule", "field"),
    [
        (3, {"batch_size": 8}, ("schedule", "batch_size")),
        (8, {"batch_size": 8}, ("teacher", "train", "batch_size")),
    ],
)
def test_a_batch_that_cannot_be_shared_equally_is_refused(
    processes: int, schedule: dict[str, int], field: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError, match=f"a multiple of {processes}") as refused:
        experiment(resources={"processes": processes}, schedule=schedule)
    assert refused.value.errors()[0]["loc"] == field
