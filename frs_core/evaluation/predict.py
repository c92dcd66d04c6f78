"""Runs a detector over a split, one image at a time as a user of the export would."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from frs_core.detectors.wall import pseudo_collate
from frs_core.evaluation.coco import Prediction
from frs_core.training.samples import SplitImages


@torch.no_grad()
def predict(
    detector: nn.Module, images: SplitImages, *, tick: Callable[[], None] = lambda: None
) -> list[Prediction]:
    """Detections in pixels of the original images. Leaves the detector in the mode it was in.

    Batches of one: padding and rounding then equal those of a single image's inference.
    `tick` is called after every image.
    """
    was_training = detector.training
    detector.eval()
    found: list[Prediction] = []
    for index in range(len(images)):
        (result,) = detector.test_step(pseudo_collate([images[(0, index)]]))  # type: ignore[operator]
        found.extend(_as_coco(result))
        tick()
    detector.train(was_training)
    return found


def _as_coco(result: Any) -> list[Prediction]:
    instances = result.pred_instances
    return [
        {
            "image_id": result.img_id,
            "category_id": label + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for (x1, y1, x2, y2), label, score in zip(
            instances.bboxes.double().tolist(),
            instances.labels.tolist(),
            instances.scores.double().tolist(),
            strict=True,
        )
    ]
