"""A detector as a function from pixels to boxes.

H, W: the picture's height and width.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from frs_core.detectors.builders import load_detector
from frs_core.detectors.wall import Compose, get_device, pseudo_collate
from frs_core.prediction.coco_document import Detection
from frs_core.spec.predict import PredictSpec
from frs_core.training.samples import resize_and_pack

Detect = Callable[[NDArray[np.uint8]], Sequence[Detection]]
"""Boxes in a picture, BGR uint8 (H, W, 3), the surest first, each at or above the threshold."""


def open_detector(spec: PredictSpec) -> Detect:
    """The detector on this process's device, ready. Raises CheckpointError."""
    assert spec.checkpoint is not None
    detector, _ = load_detector(spec.detector, len(spec.classes), Path(spec.checkpoint))
    detector.to(get_device()).eval()
    prepare = sampler(spec.input_size)

    @torch.no_grad()
    def detect(pixels: NDArray[np.uint8]) -> Sequence[Detection]:
        (result,) = detector.test_step(pseudo_collate([prepare(pixels)]))  # type: ignore[operator]
        return detections(result.pred_instances, spec.score_threshold)

    return detect


def sampler(input_size: tuple[int, int]) -> Callable[[NDArray[np.uint8]], dict[str, Any]]:
    """Turns pixels into what mmdet takes of one image, resized as in training."""
    transform = Compose(resize_and_pack(input_size))

    def sample(pixels: NDArray[np.uint8]) -> dict[str, Any]:
        shape = pixels.shape[:2]
        made: dict[str, Any] = transform(
            {"img": pixels, "img_id": 0, "img_path": "", "img_shape": shape, "ori_shape": shape}
        )
        return made

    return sample


def detections(instances: Any, score_threshold: float) -> Sequence[Detection]:
    """mmdet's instances of one image, those at or above the threshold, the surest first."""
    found = [
        Detection(box=(x1, y1, x2, y2), label=label, score=score)
        for (x1, y1, x2, y2), label, score in zip(
            instances.bboxes.double().tolist(),
            instances.labels.tolist(),
            instances.scores.double().tolist(),
            strict=True,
        )
        if score >= score_threshold
    ]
    return sorted(found, key=lambda detection: -detection.score)
