"""The COCO numbers, by faster-coco-eval, unrounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faster_coco_eval
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from frs_core.datasets.records import ImageRecord, Split
from frs_core.events import COCO_METRICS

EVALUATOR = f"faster-coco-eval {faster_coco_eval.__version__}"

Prediction = dict[str, Any]
"""One entry of COCO's results format: image_id, category_id, bbox (x, y, width, height), score."""


@dataclass(frozen=True)
class Scores:
    """The 12 numbers and, per class, its AP and AP50; None where COCO says -1 (nothing to judge)."""

    metrics: dict[str, float | None]
    per_class: dict[str, dict[str, float | None]]


def ground_truth(split: Split) -> dict[str, Any]:
    """The split as a COCO annotation document; category ids are labels + 1."""
    return {
        "images": [
            {"id": image.id, "file_name": image.name, "width": image.width, "height": image.height}
            for image in split.images
        ],
        "annotations": [
            {"id": number, **annotation}
            for number, annotation in enumerate(
                (item for image in split.images for item in _annotations(image)), start=1
            )
        ],
        "categories": [{"id": label + 1, "name": name} for label, name in enumerate(split.classes)],
    }


def _annotations(image: ImageRecord) -> list[dict[str, Any]]:
    found = []
    for box in image.boxes:
        x1, y1, x2, y2 = box.box
        found.append(
            {
                "image_id": image.id,
                "category_id": box.label + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1) if box.area is None else box.area,
                "iscrowd": int(box.crowd),
            }
        )
    return found


def score(truth: dict[str, Any], predictions: Sequence[Prediction]) -> Scores:
    """COCO's numbers of the predictions. No prediction at all scores 0 where there is something to find."""
    annotated = COCO(truth)
    found = annotated.loadRes(list(predictions)) if predictions else COCO(_nothing(truth))
    evaluator = COCOeval_faster(annotated, found, "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    numbers = dict(zip(COCO_METRICS, evaluator.stats[:12], strict=True))
    classes = [category["name"] for category in truth["categories"]]
    return Scores(
        metrics={name: _or_none(value) for name, value in numbers.items()},
        per_class={name: _class_scores(evaluator, index) for index, name in enumerate(classes)},
    )


def _nothing(truth: dict[str, Any]) -> dict[str, Any]:
    return {**truth, "annotations": []}


def _class_scores(evaluator: Any, index: int) -> dict[str, float | None]:
    # precision: (IoU thresholds, recalls, classes, areas, max detections)
    precision = np.asarray(evaluator.eval["precision"])[:, :, index, 0, -1]
    return {"ap": _mean_or_none(precision), "ap50": _mean_or_none(precision[0])}


def _mean_or_none(precision: Any) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _or_none(value: float) -> float | None:
    return None if value <= -1 else float(value)
