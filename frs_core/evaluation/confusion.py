"""Which class is taken for which."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from faster_coco_eval import mask
from numpy.typing import NDArray

from frs_core.evaluation.coco import Prediction

IOU_THRESHOLD = 0.5
SCORE_THRESHOLD = 0.3


def confusion(truth: dict[str, Any], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Counts by true class (row) and predicted class (column); the last of each is the background.

    Detections from the score threshold on, best first, each take the free box of highest IoU, whatever its
    class, if that reaches the IoU threshold. Predictions that COCO ignores must be left out already, and
    crowd boxes are.
    """
    names = [category["name"] for category in truth["categories"]]
    counts = np.zeros((len(names) + 1, len(names) + 1), np.int64)
    boxes = _by_image([item for item in truth["annotations"] if not item["iscrowd"]])
    kept = [item for item in predictions if item["score"] >= SCORE_THRESHOLD]
    found = _by_image(sorted(kept, key=lambda item: -item["score"]))
    for image_id in boxes.keys() | found.keys():
        _count(boxes[image_id], found[image_id], counts)
    return {
        "iou_threshold": IOU_THRESHOLD,
        "score_threshold": SCORE_THRESHOLD,
        "classes": [*names, None],
        "matrix": counts.tolist(),
    }


def _by_image(items: Sequence[dict[str, Any]]) -> defaultdict[int, list[dict[str, Any]]]:
    grouped: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        grouped[item["image_id"]].append(item)
    return grouped


def _count(boxes: list[dict[str, Any]], found: list[dict[str, Any]], counts: NDArray[np.int64]) -> None:
    """Add the boxes and detections of one image."""
    background = len(counts) - 1
    free = set(range(len(boxes)))
    if boxes and found:
        ious = np.asarray(
            mask.iou([item["bbox"] for item in found], [item["bbox"] for item in boxes], [0] * len(boxes))
        )
    for index, item in enumerate(found):
        best = max(free, key=lambda box: ious[index, box], default=None)
        if best is not None and ious[index, best] >= IOU_THRESHOLD:
            free.remove(best)
            counts[boxes[best]["category_id"] - 1, item["category_id"] - 1] += 1
        else:
            counts[background, item["category_id"] - 1] += 1
    for box in free:
        counts[boxes[box]["category_id"] - 1, background] += 1
