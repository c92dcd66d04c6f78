"""How sure a difference of AP is over test images: a paired bootstrap.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13 (percentile intervals).
Shapes: D draws, I images.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from frs_core.match_arrays import MatchArrays
from service.comparison.average_precision import coco_metrics

Draws = NDArray[np.int64]
Values = NDArray[np.float64]


def image_draws(num_images: int, num_draws: int, *, seed: int = 0) -> Draws:
    """Positions of images drawn with replacement, as many as there are, (D, I)."""
    return np.random.default_rng(seed).integers(num_images, size=(num_draws, num_images))


def resampled_ap(matches: MatchArrays, draws: Draws) -> Values:
    """AP (a fraction) of each draw, (D,); NaN where a draw holds nothing to judge."""
    found = (coco_metrics(matches, images)["ap"] for images in draws)
    return np.array([np.nan if ap is None else ap for ap in found], dtype=np.float64)


def difference_interval(
    ours: Sequence[Values], theirs: Sequence[Values], *, level: float = 0.95
) -> tuple[float, float]:
    """Between which values so large a share of the draws has the mean over seeds of (ours - theirs).

    One array (D,) of `resampled_ap` for each seed, the seeds in one order and all of the same draws: a draw
    that is easy is easy for both. The luck of other seeds is no part of it.
    """
    if len(ours) != len(theirs) or not ours:
        raise ValueError("give the same seeds, one or more, on both sides")
    difference = np.mean(np.stack(ours) - np.stack(theirs), axis=0)
    low, high = np.nanquantile(difference, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
