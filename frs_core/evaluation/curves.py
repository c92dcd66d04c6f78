"""Precision against recall, as COCO samples it at 101 recalls."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frs_core.evaluation.coco import Scores

_SHOWN = {"0.5": 0, "0.75": 5}  # of the IoU thresholds .5, .55, ...


def curves(scores: Scores, classes: Sequence[str]) -> dict[str, Any]:
    """Per class and in the mean over classes, at IoU 0.5 and 0.75 and in the mean over COCO's ten thresholds.

    `score` is the threshold that reaches a recall; it and the class's mean have no meaning across IoU
    thresholds. Null: the recall is not reached, or for `precision` the class has no box to find.
    """
    known = [index for index in range(len(classes)) if scores.precision[0, 0, index] > -1]
    return {
        "recall": np.linspace(0.0, 1.0, 101).tolist(),
        "classes": {
            name: _of_class(scores, index) if index in known else None for index, name in enumerate(classes)
        },
        "mean": _of_all(scores.precision[:, :, known]) if known else None,
    }


def _of_class(scores: Scores, index: int) -> dict[str, Any]:
    precision, thresholds = scores.precision[:, :, index], scores.thresholds[:, :, index]
    found: dict[str, Any] = {
        iou: {
            "precision": precision[place].tolist(),
            "score": [
                score if reached > 0 else None
                for score, reached in zip(thresholds[place].tolist(), precision[place], strict=True)
            ],
        }
        for iou, place in _SHOWN.items()
    }
    return {**found, "mean": {"precision": precision.mean(axis=0).tolist()}}


def _of_all(precision: NDArray[np.float64]) -> dict[str, Any]:
    """Of (10, 101, classes)."""
    found = {iou: {"precision": precision[place].mean(axis=-1).tolist()} for iou, place in _SHOWN.items()}
    return {**found, "mean": {"precision": precision.mean(axis=(0, -1)).tolist()}}
