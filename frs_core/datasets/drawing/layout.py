"""What lies where in a scene, back to front, and what is seen of it. H, W: the image's height and width."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from frs_core.datasets.drawing.shapes import CLASSES, DISTRACTORS, Plane

VERSION = 1
"""Raised whenever the same scene would be drawn otherwise."""

_SPLIT_CODES = {"train": 0, "val": 1, "test": 2}
_LARGEST_SHARE = 0.62
"""Of the image's shorter side: how far across the largest object may be."""
_MAX_DISTRACTORS = 3
_SEEN_SHARE = 0.3
"""An object of which less is seen is drawn and not annotated."""
_MIN_SEEN_SIDE = 4


class Scene(BaseModel):
    """Everything a scene follows from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    split: str
    index: int
    width: int
    height: int
    classes: int
    max_objects: int
    min_size: int
    version: int = VERSION

    def generator(self, stream: int) -> np.random.Generator:
        """One random stream of the scene: layout and pixels draw from different ones."""
        return np.random.default_rng([self.seed, _SPLIT_CODES[self.split], self.index, stream])


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One shape in a scene: centre and radius in pixels, angle in radians, height over width before turning.

    `label` is None for a distractor.
    """

    shape: str
    label: int | None
    x: float
    y: float
    radius: float
    angle: float
    aspect: float


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A thing's signed distance in pixels, (h, w), over the part of the image from (left, top).

    `area` is that of the whole thing, in pixels, with what lies outside the image.
    """

    left: int
    top: int
    distance: Plane
    area: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the patch covers."""
        height, width = self.distance.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def things(scene: Scene) -> list[Thing]:
    """Objects and distractors, back to front."""
    rng = scene.generator(0)
    names = list(CLASSES)
    labels = rng.integers(scene.classes, size=rng.integers(1, scene.max_objects, endpoint=True))
    placed = [_place(scene, rng, names[label], int(label)) for label in labels]
    for shape in rng.choice(list(DISTRACTORS), size=rng.integers(_MAX_DISTRACTORS, endpoint=True)):
        placed.append(_place(scene, rng, str(shape), None))
    return [placed[at] for at in rng.permutation(len(placed))]


def _place(scene: Scene, rng: np.random.Generator, shape: str, label: int | None) -> Thing:
    largest = max(_LARGEST_SHARE * min(scene.width, scene.height), scene.min_size)
    return Thing(
        shape=shape,
        label=label,
        x=rng.uniform(0, scene.width),
        y=rng.uniform(0, scene.height),
        radius=float(np.exp(rng.uniform(np.log(scene.min_size), np.log(largest)))) / 2,
        angle=rng.uniform(0, 2 * np.pi),
        aspect=rng.uniform(0.75, 1),
    )


def patch(scene: Scene, thing: Thing) -> Patch:
    """Where the thing is, on the part of the image that it can touch (possibly of no width or height)."""
    reach = int(thing.radius * 1.05) + 2
    left, top = int(thing.x) - reach, int(thing.y) - reach
    across = np.arange(2 * reach + 1, dtype=np.float32) + np.float32(0.5)
    x, y = across[None, :] + np.float32(left - thing.x), across[:, None] + np.float32(top - thing.y)
    cosine, sine = np.float32(np.cos(thing.angle)), np.float32(np.sin(thing.angle))
    unit = np.float32(1 / thing.radius)
    along, over = (cosine * x + sine * y) * unit, (cosine * y - sine * x) * unit / np.float32(thing.aspect)
    shape = (CLASSES | DISTRACTORS)[thing.shape]
    distance = shape(along, over) * np.float32(thing.radius)
    rows = slice(max(-top, 0), max(scene.height - top, 0))
    columns = slice(max(-left, 0), max(scene.width - left, 0))
    return Patch(
        left=max(left, 0), top=max(top, 0), distance=distance[rows, columns], area=int((distance < 0).sum())
    )


def visible_boxes(scene: Scene) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Label and (x1, y1, x2, y2) of what is seen of each object, those nearly hidden left out."""
    placed = things(scene)
    patches = [patch(scene, thing) for thing in placed]
    owner: NDArray[np.int16] = np.full((scene.height, scene.width), -1, np.int16)  # (H, W)
    for number, part in enumerate(patches):
        owner[part.window][part.distance < 0] = number
    found = []
    for number, (thing, part) in enumerate(zip(placed, patches, strict=True)):
        box = _extent(owner[part.window] == number, part)
        if thing.label is not None and box is not None:
            found.append((thing.label, box))
    return found


def _extent(seen: NDArray[np.bool_], part: Patch) -> tuple[float, float, float, float] | None:
    """The box around the seen pixels (h, w) of a patch, in the image; None where too little is seen."""
    if seen.sum() < max(_SEEN_SHARE * part.area, 1):
        return None
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    width, height = columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
    if min(width, height) < _MIN_SEEN_SIDE:
        return None
    x, y = part.left + columns[0], part.top + rows[0]
    return float(x), float(y), float(x + width), float(y + height)
