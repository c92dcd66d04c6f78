"""The numbers agree with pycocotools, and nothing to judge is None, not -1."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from frs_core.events import COCO_METRICS

pytestmark = pytest.mark.torch

SplitFactory = Callable[[int], Any]
Predictor = Callable[..., list[dict[str, Any]]]
Oracle = Callable[[dict[str, Any], list[dict[str, Any]]], dict[str, Any]]


@pytest.mark.parametrize("seed", range(3))
def test_the_twelve_numbers_are_those_of_pycocotools(
    seed: int, random_split: SplitFactory, predict_noisily: Predictor, approximate_pycocotools: Oracle
) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(seed)
    predictions = predict_noisily(split, seed + 100)
    ours = score(ground_truth(split), predictions).metrics
    assert list(ours) == list(COCO_METRICS)
    assert ours == approximate_pycocotools(ground_truth(split), predictions)


def test_each_class_has_numbers_and_counts_of_its_own(
    random_split: SplitFactory, predict_noisily: Predictor, approximate_pycocotools: Oracle
) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(0)
    predictions = predict_noisily(split, 1)
    of_class = score(ground_truth(split), predictions).per_class

    cells = [sum(box.label == 0 and not box.crowd for box in image.boxes) for image in split.images]
    assert of_class["cell"]["num_boxes"] == sum(cells)
    assert of_class["cell"]["num_images"] == sum(count > 0 for count in cells)
    truth = ground_truth(split)
    truth["annotations"] = [item for item in truth["annotations"] if item["category_id"] == 1]
    alone = approximate_pycocotools(truth, [item for item in predictions if item["category_id"] == 1])
    numbers = {name: value for name, value in of_class["cell"].items() if not name.startswith("num_")}
    assert numbers == {name: alone[name] for name in numbers}


def test_a_class_without_boxes_has_no_numbers(random_split: SplitFactory, predict_noisily: Predictor) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(0)
    absent = score(ground_truth(split), predict_noisily(split, 1)).per_class["absent"]
    assert (absent["num_boxes"], absent["num_images"]) == (0, 0)
    assert {value for name, value in absent.items() if not name.startswith("num_")} == {None}


def test_scoring_leaves_truth_and_predictions_as_they_were(
    random_split: SplitFactory, predict_noisily: Predictor
) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(0)
    truth, predictions = ground_truth(split), predict_noisily(split, 1)
    before = copy.deepcopy((truth, predictions))
    score(truth, predictions)
    assert (truth, predictions) == before


def test_finding_nothing_scores_zero(random_split: SplitFactory) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    assert score(ground_truth(random_split(0)), []).metrics["ap"] == 0.0


def test_size_is_judged_by_the_annotated_area_where_there_is_one() -> None:
    from frs_core.datasets.records import BoxRecord, ImageRecord, Split
    from frs_core.evaluation.coco import ground_truth, score

    box = BoxRecord(box=(0.0, 0.0, 100.0, 100.0), label=0, area=500.0)
    image = ImageRecord(id=1, name="1.jpg", path="", width=640, height=480, boxes=(box,))
    truth = ground_truth(Split(name="val", classes=("cell",), images=(image,)))
    found = [{"image_id": 1, "category_id": 1, "bbox": [0.0, 0.0, 100.0, 100.0], "score": 0.9}]
    metrics = score(truth, found).metrics
    assert metrics["ap_s"] == pytest.approx(1.0)
    assert metrics["ap_l"] is None
