"""The COCO numbers, by faster-coco-eval, unrounded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faster_coco_eval
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from frs_core.datasets.records import ImageRecord, Split
from frs_core.events import COCO_METRICS, ClassScores

EVALUATOR = f"faster-coco-eval {faster_coco_eval.__version__}"

Prediction = dict[str, Any]
"""One entry of COCO's results format: image_id, category_id, bbox (x, y, width, height), score."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The 12 numbers, and those of each class with its counts; None where COCO says -1 (nothing to judge).

    `precision` and `thresholds` are the precision and the lowest score at each recall, (10 IoU thresholds,
    101 recalls, classes), of all sizes and 100 detections; -1 for a class without boxes.
    """

    metrics: dict[str, float | None]
    per_class: dict[str, ClassScores]
    precision: NDArray[np.float64]
    thresholds: NDArray[np.float64]


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
    # Copies: the library adds keys of its own to what it is given.
    annotated = COCO({**truth, "annotations": [dict(item) for item in truth["annotations"]]})
    found = annotated.loadRes([dict(item) for item in predictions]) if predictions else COCO(_nothing(truth))
    evaluator = COCOeval_faster(annotated, found, "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    numbers = dict(zip(COCO_METRICS, evaluator.stats[:12], strict=True))
    classes = [category["name"] for category in truth["categories"]]
    return Scores(
        metrics={name: _or_none(value) for name, value in numbers.items()},
        per_class={name: _class_scores(evaluator.eval, truth, index) for index, name in enumerate(classes)},
        precision=np.asarray(evaluator.eval["precision"])[..., 0, -1],
        thresholds=np.asarray(evaluator.eval["scores"])[..., 0, -1],
    )


def _nothing(truth: dict[str, Any]) -> dict[str, Any]:
    return {**truth, "annotations": []}


def _class_scores(evaluation: Any, truth: dict[str, Any], index: int) -> ClassScores:
    # precision: (IoU thresholds, recalls, classes, areas, max detections); recall has no recalls
    precision = np.asarray(evaluation["precision"])[:, :, index, :, -1]
    recall = np.asarray(evaluation["recall"])[:, index, 0, -1]
    images = [
        item["image_id"]
        for item in truth["annotations"]
        if item["category_id"] == index + 1 and not item["iscrowd"]
    ]
    return {
        "ap": _mean_or_none(precision[..., 0]),
        "ap50": _mean_or_none(precision[0, :, 0]),
        "ap75": _mean_or_none(precision[5, :, 0]),
        "ap_s": _mean_or_none(precision[..., 1]),
        "ap_m": _mean_or_none(precision[..., 2]),
        "ap_l": _mean_or_none(precision[..., 3]),
        "ar_100": _mean_or_none(recall),
        "num_boxes": len(images),
        "num_images": len(set(images)),
    }


def _mean_or_none(values: Any) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None


def _or_none(value: float) -> float | None:
    return None if value <= -1 else float(value)
