"""What kinds of errors cost how much AP.

Source: Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020.
"""

from collections.abc import Sequence
from typing import Any

from tidecv import TIDE, Data

from frs_core.evaluation.coco import Prediction

IOU_THRESHOLD = 0.5
BACKGROUND_IOU = 0.1
_NAMES = {"FalsePos": "FP", "FalseNeg": "FN"}


def tide_errors(truth: dict[str, Any], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """AP50 by TIDE's reckoning, what it would gain without each type of error, and how many there are.

    Fractions. Cls: wrong class; Loc: wrong place; Both; Dupe: found already; Bkg: nothing there; Miss: not
    found; FP and FN: all false positives, all false negatives. The gains do not add up. TIDE takes the 100
    best detections of an image, of all classes together, and counts a class with detections but without
    boxes as AP 0, so its AP50 can be below COCO's. Predictions that COCO ignores must be left out already,
    and crowd boxes are.
    """
    tide = TIDE(pos_threshold=IOU_THRESHOLD, background_threshold=BACKGROUND_IOU)
    boxes, found = Data("truth"), Data("predictions")
    for category in truth["categories"]:
        boxes.add_class(category["id"], category["name"])
    for item in truth["annotations"]:
        if not item["iscrowd"]:
            boxes.add_ground_truth(item["image_id"], item["category_id"], _corners(item["bbox"]))
    for prediction in predictions:
        found.add_detection(
            prediction["image_id"],
            prediction["category_id"],
            prediction["score"],
            _corners(prediction["bbox"]),
        )
    run = tide.evaluate(boxes, found)
    gains = tide.get_main_errors()[found.name] | tide.get_special_errors()[found.name]
    return {
        "iou_threshold": IOU_THRESHOLD,
        "background_iou": BACKGROUND_IOU,
        "ap50": run.ap / 100,
        "delta_ap": {_NAMES.get(name, name): gain / 100 for name, gain in gains.items()},
        "count": {kind.short_name: len(errors) for kind, errors in run.error_dict.items()},
    }


def _corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    """(x1, y1, x2, y2): tidecv-light's overlap takes corners, though its documentation says otherwise."""
    x, y, width, height = box
    return x, y, x + width, y + height
