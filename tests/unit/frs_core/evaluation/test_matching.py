"""The match arrays hold all that COCO's numbers are made of."""

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from frs_core.match_arrays import MatchArrays
from service.comparison.average_precision import coco_metrics

pytestmark = pytest.mark.torch

SplitFactory = Callable[[int], Any]
Predictor = Callable[..., list[dict[str, Any]]]
Oracle = Callable[[dict[str, Any], list[dict[str, Any]]], dict[str, Any]]


def stored(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> MatchArrays:
    """The match arrays, written and read back."""
    from frs_core.evaluation.matching import match

    file = io.BytesIO()
    match(truth, predictions).save(file)
    file.seek(0)
    return MatchArrays.load(file)


@pytest.mark.parametrize(
    ("copies", "score"),
    [
        (1, random.Random.random),
        (40, random.Random.random),  # more than 100 of a class in an image
        (3, lambda draw: draw.choice([0.2, 0.5, 0.9])),
        (40, lambda draw: 0.5),
    ],
    ids=["few", "many", "tied", "all_tied"],
)
@pytest.mark.parametrize("seed", range(2))
def test_the_twelve_numbers_come_from_the_arrays(
    seed: int,
    copies: int,
    score: Callable[[random.Random], float],
    random_split: SplitFactory,
    predict_noisily: Predictor,
    approximate_pycocotools: Oracle,
) -> None:
    from frs_core.evaluation.coco import ground_truth

    split = random_split(seed)
    truth, predictions = ground_truth(split), predict_noisily(split, seed + 7, copies=copies, score=score)
    assert {len(image.boxes) for image in split.images} >= {0, 1}
    assert any(box.crowd for image in split.images for box in image.boxes)
    matches = stored(truth, predictions)
    assert coco_metrics(matches) == approximate_pycocotools(truth, predictions)
    assert [predictions[index]["score"] for index in matches.detection_index] == list(matches.detection_score)


def test_boxes_of_equal_overlap_are_taken_as_pycocotools_takes_them(approximate_pycocotools: Oracle) -> None:
    truth, predictions = twins()
    assert coco_metrics(stored(truth, predictions)) == approximate_pycocotools(truth, predictions)


def twins() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Two boxes and a crowd box in one place, of which one is small by its stated area."""
    place = [10.0, 10.0, 40.0, 40.0]
    boxes = [(1600.0, 0), (500.0, 0), (1600.0, 1)]
    truth = {
        "images": [{"id": 5, "width": 100, "height": 100}],
        "annotations": [
            {"id": n, "image_id": 5, "category_id": 1, "bbox": place, "area": area, "iscrowd": crowd}
            for n, (area, crowd) in enumerate(boxes, start=1)
        ],
        "categories": [{"id": 1, "name": "cell"}],
    }
    moved = [[10.0, 10.0, 40.0, 40.0 + extra] for extra in (0, 2, 4, 30)]
    return truth, [
        {"image_id": 5, "category_id": 1, "bbox": box, "score": 0.9 - n / 10} for n, box in enumerate(moved)
    ]


def test_nothing_found_and_nothing_to_find_are_told_apart(random_split: SplitFactory) -> None:
    from frs_core.evaluation.coco import ground_truth

    truth = ground_truth(random_split(0))
    assert set(coco_metrics(stored(truth, [])).values()) == {0.0}
    empty = {**truth, "annotations": []}
    found = [{"image_id": 1, "category_id": 1, "bbox": [0.0, 0.0, 9.0, 9.0], "score": 0.5}]
    assert set(coco_metrics(stored(empty, found)).values()) == {None}


def test_a_resample_of_images_scores_as_a_split_of_its_own(
    random_split: SplitFactory, predict_noisily: Predictor, approximate_pycocotools: Oracle
) -> None:
    from frs_core.evaluation.coco import ground_truth

    split = random_split(3)
    truth, predictions = ground_truth(split), predict_noisily(split, 4, copies=2)
    drawn = np.random.default_rng(0).integers(0, len(split.images), len(split.images))
    assert len(set(drawn.tolist())) < len(drawn)
    matches = stored(truth, predictions)
    again = repeated(truth, predictions, [int(matches.image_ids[index]) for index in drawn])
    assert coco_metrics(matches, drawn) == approximate_pycocotools(*again)


def repeated(
    truth: dict[str, Any], predictions: list[dict[str, Any]], image_ids: list[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same with these images, numbered anew."""
    drawn = list(enumerate(sorted(image_ids), start=1))

    def of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "image_id": new} for new, old in drawn for item in items if item["image_id"] == old]

    images = [{"id": new, "width": 640, "height": 480} for new, _ in drawn]
    annotations = [{**item, "id": n} for n, item in enumerate(of(truth["annotations"]), start=1)]
    return {**truth, "images": images, "annotations": annotations}, of(predictions)


def test_another_file_is_refused() -> None:
    file = io.BytesIO()
    np.savez_compressed(file, image_ids=np.zeros(3))
    file.seek(0)
    with pytest.raises(ValueError, match="lacks classes"):
        MatchArrays.load(file)
