"""Reads the files that a run left of a split into arrays; they may come from elsewhere and are not trusted.

Shapes: I images, K classes, N judged detections, P predictions, M annotated boxes.
"""

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from frs_core.match_arrays import MatchArrays
from service.comparison.match_files import BROKEN, UnreadableFileError, read_matches

MAX_FILE_BYTES = 512 * 2**20

Boxes = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """Every detection of a split in the file's order; boxes are x, y, width, height in pixels."""

    image_id: NDArray[np.int64]  # (P,)
    label: NDArray[np.int64]  # (P,), positions of classes
    boxes: Boxes  # (P, 4)

    @property
    def nbytes(self) -> int:
        """In memory."""
        return self.image_id.nbytes + self.label.nbytes + self.boxes.nbytes


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """Match arrays of all sizes at IoU 0.5: what an image's errors are counted from."""

    arrays: MatchArrays

    @property
    def nbytes(self) -> int:
        """In memory."""
        return sum(getattr(self.arrays, field.name).nbytes for field in fields(MatchArrays))


class TruthImage(BaseModel):
    """One annotated image."""

    id: Annotated[int, Field(ge=-(2**62), le=2**62)]
    file_name: str
    width: int = Field(gt=0, le=10**9)
    height: int = Field(gt=0, le=10**9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """The annotated boxes of a split, in the order of the annotations; boxes are x, y, width, height."""

    images: Mapping[int, TruthImage]
    image_id: NDArray[np.int64]  # (M,)
    label: NDArray[np.int64]  # (M,)
    boxes: Boxes  # (M, 4)
    crowd: NDArray[np.bool_]  # (M,)

    @property
    def nbytes(self) -> int:
        """In memory, an image's own words included."""
        return 1000 * len(self.images) + self.image_id.nbytes + self.label.nbytes + self.boxes.nbytes

    def fits(self, matches: MatchArrays) -> bool:
        """Whether these are the boxes that the matches were made of, as far as the arrays tell."""
        if not np.array_equal(np.array(sorted(self.images), np.int64), matches.image_ids):
            return False
        places = np.searchsorted(matches.image_ids, self.image_id)
        return np.array_equal(places, matches.truth_image) and np.array_equal(self.label, matches.truth_class)


def parse_predictions(content: bytes) -> Predictions:
    """COCO results, never held as a list of objects. Raises UnreadableFileError."""
    numbers, places = array("d"), array("q")

    def take(item: dict[str, Any]) -> None:
        x, y, width, height = item["bbox"]
        numbers.extend((x, y, width, height))
        places.extend((item["image_id"], item["category_id"] - 1))

    try:
        items = json.loads(content, object_hook=take)
    except BROKEN as error:
        raise UnreadableFileError("is not a list of COCO results") from error
    boxes = np.frombuffer(numbers, np.float64).reshape(-1, 4)
    if not isinstance(items, list) or len(items) != len(boxes) or not np.isfinite(boxes).all():
        raise UnreadableFileError("is not a list of COCO results")
    pairs = np.frombuffer(places, np.int64).reshape(-1, 2)
    return Predictions(image_id=pairs[:, 0], label=pairs[:, 1], boxes=boxes)


def parse_matches(content: bytes) -> Matches:
    """The match arrays, cut to all sizes and IoU 0.5. Raises UnreadableFileError."""
    found = read_matches(content)
    arrays = {field.name: getattr(found, field.name) for field in fields(MatchArrays)}
    for name in ("detection_matched", "detection_ignored"):
        arrays[name] = arrays[name][:, :1, :1].copy()
    arrays["truth_ignored"] = arrays["truth_ignored"][:, :1].copy()
    return Matches(arrays=MatchArrays(**arrays))


class _Annotation(BaseModel):
    image_id: Annotated[int, Field(ge=-(2**62), le=2**62)]
    category_id: Annotated[int, Field(ge=0, le=2**31)]
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    iscrowd: bool = False


class _Document(BaseModel):
    images: list[TruthImage]
    annotations: list[_Annotation]


def parse_truth(content: bytes) -> Truth:
    """A COCO annotation document whose category ids are labels + 1. Raises UnreadableFileError."""
    try:
        document = _Document.model_validate_json(content)
        return truth_of(
            document.images,
            [(item.image_id, item.category_id - 1, item.bbox, item.iscrowd) for item in document.annotations],
        )
    except (ValidationError, OverflowError) as error:
        raise UnreadableFileError("is not a COCO annotation document") from error


def truth_of(
    images: list[TruthImage], boxes: list[tuple[int, int, tuple[float, float, float, float], bool]]
) -> Truth:
    """Of images and (image id, label, box, crowd), in order."""
    return Truth(
        images={image.id: image for image in images},
        image_id=np.array([item[0] for item in boxes], np.int64),
        label=np.array([item[1] for item in boxes], np.int64),
        boxes=np.array([item[2] for item in boxes], np.float64).reshape(-1, 4),
        crowd=np.array([item[3] for item in boxes], np.bool_),
    )
