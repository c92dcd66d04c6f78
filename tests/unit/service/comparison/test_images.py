"""Errors of images and the orders that follow, on arrays whose answers are plain."""

from typing import Any

import numpy as np
import pytest

from frs_core.match_arrays import MatchArrays
from service.comparison.images import ImageErrors, boxes_to_find, found_boxes, image_errors, ranking

Detection = tuple[int, float, bool, bool]  # image, score, matched, ignored


def matches(detections: list[Detection], boxes: list[tuple[int, bool]], num_images: int = 3) -> MatchArrays:
    """Of one class; `boxes` are (image, ignored)."""
    flags: Any = np.array([item[2:] for item in detections], bool).reshape(-1, 2)
    images = np.array([item[0] for item in detections], np.int32)
    truth = np.array(boxes, np.int32).reshape(-1, 2)
    return MatchArrays(
        image_ids=np.arange(10, 10 + num_images),
        classes=np.array(["cell"]),
        detection_image=images,
        detection_class=np.zeros_like(images),
        detection_score=np.array([item[1] for item in detections]),
        detection_rank=np.zeros(len(detections), np.uint8),
        detection_index=np.arange(len(detections)),
        detection_matched=flags[:, 0, None, None],
        detection_ignored=flags[:, 1, None, None],
        truth_image=truth[:, 0],
        truth_class=np.zeros(len(boxes), np.int32),
        truth_ignored=truth[:, 1:].astype(bool),
    )


def test_missed_boxes_and_false_positives_are_counted_from_the_threshold_on() -> None:
    arrays = matches(
        [(0, 0.9, True, False), (0, 0.3, False, False), (0, 0.29, False, False), (2, 0.2, True, False)],
        [(0, False), (0, False), (2, False)],
    )
    errors = image_errors(arrays)
    assert errors.missed.tolist() == [1, 0, 1]
    assert errors.false_positives.tolist() == [1, 0, 0]
    assert errors.total.tolist() == [2, 0, 1]
    assert image_errors(arrays, 0.2).total.tolist() == [3, 0, 0]
    assert image_errors(arrays, 0.95).total.tolist() == [2, 0, 1]


def test_what_coco_ignores_counts_neither_way() -> None:
    arrays = matches([(1, 0.9, True, True), (1, 0.8, False, True)], [(1, True)])
    assert boxes_to_find(arrays).tolist() == [0, 0, 0]
    assert image_errors(arrays).total.tolist() == [0, 0, 0]


def errors(*counts: int) -> ImageErrors:
    return ImageErrors(np.array(counts), np.zeros(len(counts), np.int64))


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("fixed", [1, 0, 3, 2]), ("broken", [2, 0, 3, 1]), ("teacher", [2, 3, 0, 1]), ("image", [0, 1, 2, 3])],
)
def test_images_are_ordered_by_the_difference_and_equals_stay_in_order(
    sort: Any, expected: list[int]
) -> None:
    plain, method, teacher = errors(2, 9, 0, 5), errors(2, 1, 4, 5), errors(2, 1, 0, 4)
    order = ranking(sort, 4, method=method, baseline=plain, teacher=teacher)
    assert order.tolist() == expected


def test_an_order_that_needs_a_missing_row_is_refused() -> None:
    with pytest.raises(ValueError, match="needs two rows"):
        ranking("fixed", 1, method=errors(1))
    assert ranking("image", 2).tolist() == [0, 1]


def test_each_detection_takes_the_best_free_box_of_its_class() -> None:
    truths = np.array([[0, 0, 10, 10], [2, 0, 10, 10], [50, 50, 10, 10], [0, 0, 10, 10]], np.float64)
    labels, crowd = np.array([0, 0, 0, 1]), np.array([False, False, True, False])
    detections = np.array(
        [[2, 0, 10, 10], [1.5, 0, 10, 10], [0, 0, 10, 10], [50, 50, 10, 10], [0, 0, 10, 10], [0, 0, 10, 4.9]]
    )
    found = found_boxes(detections, np.array([0, 0, 0, 0, 1, 1]), truths, labels, crowd)
    assert found == [1, 0, None, None, 3, None]
    assert found_boxes(detections[:1], labels[:1], truths[:0], labels[:0], crowd[:0]) == [None]
