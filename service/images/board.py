"""The images of a split with what a selection of runs found in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frs_core.match_arrays import MatchArrays
from service.comparison.images import ImageErrors, Sort, boxes_to_find, found_boxes, image_errors, ranking
from service.images.files import Truth
from service.images.reader import Reader
from service.images.runs import Run, Selection


class DifferentImagesError(ValueError):
    """Runs that were not judged by the same images and boxes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """One detection; `truth` is the position of the box it found among the image's, where that is known."""

    box: tuple[float, float, float, float]  # x, y, width, height
    label: int
    score: float
    matched: bool
    ignored: bool
    truth: int | None


_LONGEST_SIDE = 10**6


class Board:
    """Reads what is asked for. Raises as `Reader` does, and DifferentImagesError."""

    def __init__(self, reader: Reader, selection: Selection) -> None:
        self._reader, self.selection = reader, selection
        self.runs = selection.runs
        self._matches = {run.job_id: reader.matches(run) for run in self.runs}
        first, *others = self._matches.values()
        self.matches: MatchArrays = first
        for other in others:
            if not _alike(first, other):
                raise DifferentImagesError(
                    "the rows were judged by different images or boxes and cannot be put side by side"
                )

    @property
    def image_ids(self) -> NDArray[np.int64]:
        """Of all images of the split, rising."""
        return self.matches.image_ids

    def truth(self) -> Truth | None:
        """The annotated boxes, where a run kept them."""
        return self._reader.truth(self.runs)

    def boxes_to_find(self) -> NDArray[np.int64]:
        """How many boxes each image has that count."""
        return boxes_to_find(self.matches)

    def errors(self, threshold: float) -> dict[str, ImageErrors]:
        """Of each run, by its job's id."""
        return {job_id: image_errors(matches, threshold) for job_id, matches in self._matches.items()}

    def ranking(self, sort: Sort, threshold: float) -> NDArray[np.int64]:
        """Positions of the images in that order; ValueError where it needs a row that is not there."""
        errors = self.errors(threshold)

        def of(run: Run | None) -> ImageErrors | None:
            return None if run is None else errors[run.job_id]

        chosen = self.selection
        return ranking(
            sort,
            len(self.image_ids),
            method=of(chosen.method),
            baseline=of(chosen.baseline),
            teacher=of(chosen.teacher),
        )

    def position(self, image_id: int) -> int | None:
        """Of the image among `image_ids`; None where it is not of the split."""
        place = int(np.searchsorted(self.image_ids, image_id))
        return place if place < len(self.image_ids) and self.image_ids[place] == image_id else None

    def found(self, run: Run, position: int, truth: Truth | None, min_score: float) -> list[Found]:
        """The run's judged detections in one image whose score is at least `min_score`, in order of class."""
        matches = self._matches[run.job_id]
        at = np.flatnonzero((matches.detection_image == position) & (matches.detection_score >= min_score))
        boxes = self._reader.predictions(run).boxes[matches.detection_index[at]]
        labels = matches.detection_class[at]
        of = _found_truths(boxes, labels, truth, int(self.image_ids[position]))
        matched, ignored = matches.detection_matched[at, 0, 0], matches.detection_ignored[at, 0, 0]
        return [
            Found(
                box=tuple(boxes[number].tolist()),
                label=int(labels[number]),
                score=float(matches.detection_score[place]),
                matched=bool(matched[number]),
                ignored=bool(ignored[number]),
                truth=of[number] if matched[number] and not ignored[number] else None,
            )
            for number, place in enumerate(at)
        ]

    def extent(self, position: int) -> tuple[int, int]:
        """A width and height that hold all boxes found in the image, for where its size is not known."""
        corners = [np.ones((1, 2))]
        for run in self.runs:
            matches = self._matches[run.job_id]
            index = matches.detection_index[matches.detection_image == position]
            boxes = self._reader.predictions(run).boxes[index]
            corners.append(boxes[:, :2] + boxes[:, 2:])
        width, height = np.ceil(np.concatenate(corners).max(axis=0)).clip(1, _LONGEST_SIDE).tolist()
        return int(width), int(height)


def _alike(one: MatchArrays, other: MatchArrays) -> bool:
    names: Sequence[str] = ("image_ids", "classes", "truth_image", "truth_class", "truth_ignored")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _found_truths(
    boxes: NDArray[np.float64], labels: NDArray[np.integer], truth: Truth | None, image_id: int
) -> list[int | None]:
    if truth is None:
        return [None] * len(boxes)
    own = truth.image_id == image_id
    return found_boxes(boxes, labels, truth.boxes[own], truth.label[own], truth.crowd[own])
