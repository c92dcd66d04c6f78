"""Matches detections with annotated boxes as COCO does, and keeps which found what.

Shapes: D detections and G annotated boxes of one class in one image, A areas, T IoU thresholds.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import mask
from numpy.typing import NDArray

from frs_core.evaluation.coco import Prediction
from frs_core.match_arrays import AREAS, IOU_THRESHOLDS, MAX_DETECTIONS, MatchArrays

_LEAST_IOU = np.minimum(IOU_THRESHOLDS, 1 - 1e-10)  # pycocotools' own guard against rounding at IoU 1
_AREA_RANGES = np.array(list(AREAS.values()))
_SHAPE = (len(AREAS), len(IOU_THRESHOLDS))

Flags = NDArray[np.bool_]
_Pair = tuple[int, int]


@dataclass
class _Group:
    """What there is of one class in one image, as positions in the predictions and the annotations."""

    detections: list[int]
    truths: list[int]


def match(truth: dict[str, Any], predictions: Sequence[Prediction]) -> MatchArrays:
    """The matches behind COCO's numbers of the predictions, for every area and IoU threshold."""
    annotations = truth["annotations"]
    image_ids = sorted(image["id"] for image in truth["images"])
    image_of = {image_id: position for position, image_id in enumerate(image_ids)}
    groups = _groups(annotations, predictions)
    places = {key: (key[0] - 1, image_of[key[1]]) for key in groups}
    kept: list[tuple[int, int, int, int]] = []
    matched: list[Flags] = [np.zeros((0, *_SHAPE), bool)]
    ignored: list[Flags] = [np.zeros((0, *_SHAPE), bool)]
    for key in sorted(groups):
        best = sorted(groups[key].detections, key=lambda index: -predictions[index]["score"])
        best = best[: MAX_DETECTIONS[-1]]
        kept.extend((*places[key], rank, index) for rank, index in enumerate(best))
        flags = _match_group(
            [predictions[index] for index in best], [annotations[index] for index in groups[key].truths]
        )
        matched.append(flags[0])
        ignored.append(flags[1])
    columns = np.array(kept, np.int64).reshape(-1, 4)
    boxes = [(annotation["category_id"] - 1, image_of[annotation["image_id"]]) for annotation in annotations]
    box_columns = np.array(boxes, np.int32).reshape(-1, 2)
    return MatchArrays(
        image_ids=np.array(image_ids, np.int64),
        classes=np.array([category["name"] for category in truth["categories"]], np.str_),
        detection_image=columns[:, 1].astype(np.int32),
        detection_class=columns[:, 0].astype(np.int32),
        detection_score=np.array([predictions[index]["score"] for index in columns[:, 3]], np.float64),
        detection_rank=columns[:, 2].astype(np.uint8),
        detection_index=columns[:, 3],
        detection_matched=np.concatenate(matched),
        detection_ignored=np.concatenate(ignored),
        truth_image=box_columns[:, 1],
        truth_class=box_columns[:, 0],
        truth_ignored=_truth_ignored(annotations),
    )


def _groups(annotations: Sequence[dict[str, Any]], predictions: Sequence[Prediction]) -> dict[_Pair, _Group]:
    """By category id and image id."""
    groups: defaultdict[_Pair, _Group] = defaultdict(lambda: _Group([], []))
    for index, item in enumerate(predictions):
        groups[item["category_id"], item["image_id"]].detections.append(index)
    for index, item in enumerate(annotations):
        groups[item["category_id"], item["image_id"]].truths.append(index)
    return groups


def _match_group(
    detections: Sequence[Prediction], annotations: Sequence[dict[str, Any]]
) -> tuple[Flags, Flags]:
    """Which detections, best first, found a box, and which are ignored: both (D, A, T).

    As in pycocotools: each takes the free box of highest IoU, the last of equals, a counted one before
    an ignored one; a crowd box is never used up.
    """
    matched = np.zeros((len(detections), *_SHAPE), bool)
    ignored = np.zeros_like(matched)
    if detections and annotations:
        boxes, crowd = [item["bbox"] for item in annotations], [item["iscrowd"] for item in annotations]
        ious = np.asarray(mask.iou([item["bbox"] for item in detections], boxes, crowd))
        _claim_boxes(ious, np.array(crowd, bool), _truth_ignored(annotations).T, matched, ignored)
    areas = np.array([item["bbox"][2] * item["bbox"][3] for item in detections])
    return matched, ignored | (~matched & _outside(areas)[:, :, None])


def _claim_boxes(
    ious: NDArray[np.float64], crowd: Flags, box_ignored: Flags, matched: Flags, ignored: Flags
) -> None:
    """Fill `matched` and `ignored` (D, A, T) from IoUs (D, G); `box_ignored` is (A, G)."""
    taken = np.zeros((*_SHAPE, len(crowd)), bool)  # (A, T, G)
    for index in np.flatnonzero((ious >= _LEAST_IOU[0]).any(axis=1)):
        free = (ious[index] >= _LEAST_IOU[:, None]) & (~taken | crowd)
        counted = free & ~box_ignored[:, None]
        choice = np.where(counted.any(axis=-1, keepdims=True), counted, free)
        overlap = np.where(choice, ious[index], -1.0)
        best = overlap.shape[-1] - 1 - overlap[..., ::-1].argmax(axis=-1)  # (A, T)
        found = choice.any(axis=-1)
        area, threshold = np.nonzero(found)
        taken[area, threshold, best[area, threshold]] = True
        matched[index] = found
        ignored[index, area, threshold] = box_ignored[area, best[area, threshold]]


def _truth_ignored(annotations: Sequence[dict[str, Any]]) -> Flags:
    """(M, A): crowd boxes, and those whose size is not of the range."""
    areas = np.array([item["area"] for item in annotations], np.float64)
    crowd = np.array([item["iscrowd"] for item in annotations], bool)
    return crowd[:, None] | _outside(areas)


def _outside(areas: NDArray[np.float64]) -> Flags:
    """(..., A): not within each range."""
    flags: Flags = (areas[:, None] < _AREA_RANGES[:, 0]) | (areas[:, None] > _AREA_RANGES[:, 1])
    return flags
