"""Tiny jobs that run the real loop in seconds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RETINANET = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "stacked_convs": 1,
}
FCOS = {
    "zoo": "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 64,
    "stacked_convs": 1,
}
GFL = {
    "zoo": "gfl/gfl_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 64,
    "stacked_convs": 1,
}
FASTER_RCNN = {
    "zoo": "faster_rcnn/faster-rcnn_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "roi_channels": 16,
}
CASCADE_RCNN = {**FASTER_RCNN, "zoo": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco"}
DETECTORS = {
    "retinanet": RETINANET,
    "fcos": FCOS,
    "gfl": GFL,
    "faster_rcnn": FASTER_RCNN,
    "cascade_rcnn": CASCADE_RCNN,
}
DATASET = {
    "format": "synthetic",
    "test": "test",
    "options": {"train_images": 5, "val_images": 2, "test_images": 2, "width": 96, "height": 64},
}

JobFactory = Callable[..., Any]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny_job() -> JobFactory:
    """A job of a tiny detector: `tiny_job(kind, family, **changes)`."""
    from frs_core.spec import JobSpec

    def make(kind: str = "train", family: str = "retinanet", **changes: Any) -> JobSpec:
        return JobSpec.model_validate(
            {
                "kind": kind,
                "name": "tiny",
                "dataset": DATASET,
                "input_size": (96, 64),
                "detector": DETECTORS[family],
                "schedule": {"epochs": 2, "batch_size": 2, "warmup_steps": 2},
                **changes,
            }
        )

    return make


@pytest.fixture
def teacher_of(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """The `teacher` of a distill job: a random detector, saved as weights."""
    from frs_core.detectors.builders import build_detector
    from frs_core.detectors.checkpoints import save_weights
    from frs_core.spec import DetectorSpec

    def make(family: str) -> dict[str, Any]:
        spec = DetectorSpec.model_validate({**DETECTORS[family], "base_channels": 8})
        path = tmp_path / f"teacher_{family}.safetensors"
        detector = build_detector(spec, len(_classes()), seed=11)
        save_weights(detector.state_dict(), path, {})
        return {"detector": spec.model_dump(), "checkpoint": str(path)}

    return make


def _classes() -> tuple[str, ...]:
    from frs_core.datasets.check import read_split
    from frs_core.spec import DatasetSpec

    return read_split(DatasetSpec.model_validate(DATASET), "train").classes
