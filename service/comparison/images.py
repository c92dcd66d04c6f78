"""Which images a method fixed and which it broke, counted from match arrays.

An error of an image is a box that was missed or a false positive, at IoU 0.5, of the detections whose score
reaches a threshold. COCO matches by falling score, so those above a threshold are matched as if the others
had never been. Shapes: I images, N detections and M boxes of a split; D and G those of one image.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from frs_core.match_arrays import MatchArrays

Sort = Literal["fixed", "broken", "teacher", "image"]
SORTS: tuple[Sort, ...] = get_args(Sort)
DEFAULT_THRESHOLD = 0.3
_LEAST_IOU = 0.5

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ImageErrors:
    """What went wrong in each image, (I,)."""

    missed: Counts
    false_positives: Counts

    @property
    def total(self) -> Counts:
        """Both kinds together, (I,)."""
        return self.missed + self.false_positives


def image_errors(matches: MatchArrays, threshold: float = DEFAULT_THRESHOLD) -> ImageErrors:
    """The errors of each image; what COCO ignores counts neither way."""
    num_images = len(matches.image_ids)
    counted = (matches.detection_score >= threshold) & ~matches.detection_ignored[:, 0, 0]
    matched = matches.detection_matched[:, 0, 0]
    found = np.bincount(matches.detection_image[counted & matched], minlength=num_images)
    false_positives = np.bincount(matches.detection_image[counted & ~matched], minlength=num_images)
    return ImageErrors(boxes_to_find(matches) - found, false_positives)


def boxes_to_find(matches: MatchArrays) -> Counts:
    """How many boxes COCO expects to be found in each image, (I,)."""
    return np.bincount(matches.truth_image[~matches.truth_ignored[:, 0]], minlength=len(matches.image_ids))


def ranking(
    sort: Sort,
    num_images: int,
    *,
    method: ImageErrors | None = None,
    baseline: ImageErrors | None = None,
    teacher: ImageErrors | None = None,
) -> Counts:
    """Positions of the images, the most telling first, (I,); images that tell as much stay in order.

    `fixed` falls by errors(baseline) - errors(method), `broken` by the reverse, `teacher` by
    errors(method) - errors(teacher); `image` is their own order. Raises ValueError without both sides.
    """
    if sort == "image":
        return np.arange(num_images)
    ours, theirs = {"fixed": (baseline, method), "broken": (method, baseline), "teacher": (method, teacher)}[
        sort
    ]
    if ours is None or theirs is None:
        raise ValueError(f"the order {sort!r} needs two rows with predictions")
    return np.argsort(theirs.total - ours.total, kind="stable")


def found_boxes(
    detections: NDArray[np.float64],
    labels: NDArray[np.integer],
    truths: NDArray[np.float64],
    truth_labels: NDArray[np.integer],
    crowd: NDArray[np.bool_],
) -> list[int | None]:
    """Which box (position in `truths`) each detection of one image found at IoU 0.5, or None.

    `detections` (D, 4) by falling score and `truths` (G, 4) are x, y, width, height. As COCO has it, each
    detection takes the free box of its class with the highest IoU, the last of equals; crowds are left out.
    """
    free = ~crowd
    found: list[int | None] = []
    for box, label in zip(detections, labels, strict=True):
        overlaps = np.where(free & (truth_labels == label), _ious(box, truths), -1.0)
        best = None if not len(overlaps) else len(overlaps) - 1 - int(overlaps[::-1].argmax())
        if best is None or overlaps[best] < _LEAST_IOU:
            found.append(None)
            continue
        free[best] = False
        found.append(best)
    return found


def _ious(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of one box (4,) with others (G, 4)."""
    upper = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    shared = np.clip(upper - np.maximum(box[:2], others[:, :2]), 0, None).prod(axis=1)
    union = box[2:].prod() + others[:, 2:].prod(axis=1) - shared
    ious: NDArray[np.float64] = shared / np.maximum(union, np.finfo(np.float64).tiny)
    return ious
