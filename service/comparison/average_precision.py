"""COCO's 12 numbers from match arrays: of a split, or of a resample of its images.

Shapes: N detections of a class, A areas, T IoU thresholds, R recalls.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from frs_core.events import COCO_METRICS
from frs_core.match_arrays import MAX_DETECTIONS, MatchArrays

_RECALLS = np.linspace(0.0, 1.0, 101)
_HALF, _THREE_QUARTERS = 0, 5  # of the IoU thresholds .5, .55, ...

Numbers = NDArray[np.float64]


def coco_metrics(
    matches: MatchArrays, images: Sequence[int] | NDArray[np.integer] | None = None
) -> dict[str, float | None]:
    """The 12 numbers by name, as fractions; None where there is nothing to judge.

    `images` are positions in `matches.image_ids`, all of them once by default. One that is given several
    times counts as so many images, as a bootstrap over images needs it.
    """
    num_images = len(matches.image_ids)
    chosen = np.arange(num_images) if images is None else np.asarray(images, np.int64)
    times = np.bincount(chosen, minlength=num_images)
    of_classes = [_class_numbers(matches, index, times) for index in range(len(matches.classes))]
    means = (_mean([numbers[place] for numbers in of_classes]) for place in range(len(COCO_METRICS)))
    return dict(zip(COCO_METRICS, means, strict=True))


def mean_precision(matches: MatchArrays) -> Numbers | None:
    """Precision at COCO's 101 recalls, mean over classes, at IoU .5 and .75: (2, R); None without boxes."""
    times = np.ones(len(matches.image_ids), np.intp)
    shown = [_HALF, _THREE_QUARTERS]
    of_classes = []
    for index in range(len(matches.classes)):
        counts = _count(matches, index, times)
        true, false = (values[:, :1][:, :, shown] for values in (counts.true, counts.false))
        of_classes.append(_precision(true, false, counts.to_find[:1])[0])
    known = [precision for precision in of_classes if not np.isnan(precision).any()]
    return np.mean(known, axis=0) if known else None


def _class_numbers(matches: MatchArrays, index: int, times: NDArray[np.intp]) -> tuple[float, ...]:
    """The 12 numbers of one class, NaN where it has no box of the size."""
    counts = _count(matches, index, times)
    precision = _precision(counts.true, counts.false, counts.to_find)
    rank = matches.detection_rank[counts.places, None, None]
    recall = [(counts.found * (rank < most)).sum(axis=0) / counts.to_find for most in MAX_DETECTIONS]
    return (
        *(
            float(values.mean())
            for values in (precision[0], precision[0, _HALF], precision[0, _THREE_QUARTERS])
        ),
        *(float(values.mean()) for values in precision[1:]),
        *(float(values[0].mean()) for values in recall),
        *(float(values.mean()) for values in recall[-1][1:]),
    )


class _Counts(NamedTuple):
    """Of one class, its detections best first."""

    places: NDArray[np.intp]  # (N,) of the detections in the match arrays
    found: NDArray[np.int64]  # (N, A, T) boxes that each found
    true: NDArray[np.int64]  # (N, A, T) found so far
    false: NDArray[np.int64]  # (N, A, T) found wrongly so far
    to_find: Numbers  # (A, 1), NaN where there is nothing to find


def _count(matches: MatchArrays, index: int, times: NDArray[np.intp]) -> _Counts:
    own = np.flatnonzero((matches.detection_class == index) & (times[matches.detection_image] > 0))
    own = own[np.argsort(-matches.detection_score[own], kind="stable")]
    weight = times[matches.detection_image[own], None, None]
    counted = weight * ~matches.detection_ignored[own]
    found = counted * matches.detection_matched[own]
    boxes = matches.truth_class == index
    totals = times[matches.truth_image[boxes]] @ ~matches.truth_ignored[boxes]
    to_find = np.where(totals > 0, totals, np.nan)[:, None]
    return _Counts(own, found, found.cumsum(axis=0), (counted - found).cumsum(axis=0), to_find)


def _precision(true: NDArray[np.int64], false: NDArray[np.int64], to_find: Numbers) -> Numbers:
    """Precision at each recall (A, T, R), from running counts (N, A, T); 0 beyond the recall reached."""
    recall = true / to_find
    precision = true / (true + false + np.spacing(1))
    highest = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    found = np.zeros((*true.shape[1:], len(_RECALLS)))
    found[np.isnan(to_find[:, 0])] = np.nan
    for area, threshold in np.ndindex(*true.shape[1:]):
        places = np.searchsorted(recall[:, area, threshold], _RECALLS, side="left")
        reached = places < len(true)
        if not np.isnan(to_find[area, 0]):
            found[area, threshold, reached] = highest[places[reached], area, threshold]
    return found


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None
