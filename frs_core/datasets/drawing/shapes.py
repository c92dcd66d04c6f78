"""Shapes as signed distances: negative inside, in units of the shape's radius.

Each takes the coordinates x, y of points from the shape's centre (arrays that broadcast together).
Computing distances rather than drawing polygons keeps boxes the same for every version of Pillow.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Shape = Callable[[Plane, Plane], Plane]

_STAR_TIPS = 5
_STAR_INNER_RADIUS = 0.45


def _box(x: Plane, y: Plane, half_width: float, half_height: float) -> Plane:
    distance: Plane = np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)
    return distance


def _triangle(x: Plane, y: Plane) -> Plane:
    slant = 0.75**0.5
    distance: Plane = np.maximum(np.maximum(slant * x - y / 2, -slant * x - y / 2), y) - 0.5
    return distance


def _star(x: Plane, y: Plane) -> Plane:
    """Folds the plane onto half a tip, where the outline is one line from the tip (1, 0) to the notch."""
    half = float(np.pi / _STAR_TIPS)
    notch_x, notch_y = _STAR_INNER_RADIUS * float(np.cos(half)), _STAR_INNER_RADIUS * float(np.sin(half))
    length = float(np.hypot(notch_y, 1 - notch_x))
    angle = np.abs((np.arctan2(y, x) + half) % (2 * half) - half)
    radius = np.hypot(x, y)
    folded_x, folded_y = radius * np.cos(angle), radius * np.sin(angle)
    distance: Plane = (folded_x - 1) * (notch_y / length) + folded_y * ((1 - notch_x) / length)
    return distance


def _blob(x: Plane, y: Plane) -> Plane:
    angle = np.arctan2(y, x)
    distance: Plane = np.hypot(x, y) - 0.72 - 0.16 * np.sin(2 * angle + 1) - 0.1 * np.cos(5 * angle)
    return distance


CLASSES: dict[str, Shape] = {
    "disc": lambda x, y: np.hypot(x, y) - 1,
    "square": lambda x, y: _box(x, y, 0.75, 0.75),
    "triangle": _triangle,
    "ring": lambda x, y: np.maximum(np.hypot(x, y) - 1, 0.5 - np.hypot(x, y)),
    "cross": lambda x, y: np.minimum(_box(x, y, 0.95, 0.3), _box(x, y, 0.3, 0.95)),
    "star": _star,
    "crescent": lambda x, y: np.maximum(np.hypot(x, y) - 1, 0.8 - np.hypot(x - 0.55, y)),
    "bar": lambda x, y: np.hypot(np.maximum(np.abs(x) - 0.72, 0), y) - 0.28,
}
"""The shapes that are searched for; a data set of n classes has the first n."""

DISTRACTORS: dict[str, Shape] = {"blob": _blob, "splinter": lambda x, y: _box(x, y, 1.0, 0.07)}
"""Shapes that lie about without being anything to find."""
