"""Curves, error types and confusions say what the numbers do not, and agree with them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frs_core.context import LocalContext
from frs_core.match_arrays import MatchArrays

pytestmark = pytest.mark.torch

SplitFactory = Callable[[int], Any]
Predictor = Callable[..., list[dict[str, Any]]]

CAT, DOG = 1, 2
FAR = [500.0, 0.0, 40.0, 40.0]
PLACES = {"cat": [0.0, 0.0, 40.0, 40.0], "dog": [100.0, 0.0, 40.0, 40.0], "missed": [200.0, 0.0, 40.0, 40.0]}
CROWD = [300.0, 0.0, 100.0, 100.0]


def scene() -> dict[str, Any]:
    """An image with a cat, two dogs and a crowd of cats."""
    boxes = [(CAT, PLACES["cat"], 0), (DOG, PLACES["dog"], 0), (DOG, PLACES["missed"], 0), (CAT, CROWD, 1)]
    return {
        "images": [{"id": 1, "width": 640, "height": 480}],
        "annotations": [
            {
                "id": n,
                "image_id": 1,
                "category_id": label,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": crowd,
            }
            for n, (label, box, crowd) in enumerate(boxes, start=1)
        ],
        "categories": [{"id": CAT, "name": "cat"}, {"id": DOG, "name": "dog"}],
    }


def detection(label: int, box: list[float], score: float) -> dict[str, Any]:
    return {"image_id": 1, "category_id": label, "bbox": box, "score": score}


DETECTIONS = [
    detection(CAT, PLACES["cat"], 0.9),
    detection(CAT, [0.0, 0.0, 40.0, 38.0], 0.8),  # found already
    detection(CAT, PLACES["dog"], 0.7),  # a dog
    detection(CAT, [330.0, 30.0, 20.0, 20.0], 0.6),  # in the crowd
    detection(DOG, FAR, 0.5),  # nothing there
    detection(DOG, PLACES["missed"], 0.2),  # below the score threshold
]


@pytest.fixture
def documents(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What `save_analysis` publishes of `truth` and `predictions`, by the artifact's stem."""
    from frs_core.evaluation.analysis import save_analysis
    from frs_core.evaluation.coco import score

    def make(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> dict[str, Any]:
        save_analysis(LocalContext(tmp_path), "test", truth, predictions, score(truth, predictions))
        return {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}

    return make


def test_confusions_are_counted_by_true_and_predicted_class(documents: Callable[..., dict[str, Any]]) -> None:
    found = documents(scene(), DETECTIONS)["confusion_test"]
    assert found["classes"] == ["cat", "dog", None]
    assert found["score_threshold"] == 0.3
    assert found["matrix"] == [[1, 0, 0], [1, 0, 1], [1, 1, 0]]


def test_each_type_of_error_is_counted_and_priced(documents: Callable[..., dict[str, Any]]) -> None:
    found = documents(scene(), DETECTIONS)["errors_test"]
    # The last detection finds a dog whatever its score: half of the dogs, at a precision of one half.
    assert found["count"] == {"Cls": 1, "Loc": 0, "Both": 0, "Dupe": 1, "Bkg": 1, "Miss": 0}
    recall_of_half = 51 / 101
    assert found["ap50"] == pytest.approx((1 + recall_of_half / 2) / 2)
    # Without the false dog, the one found dog has a precision of 1.
    assert found["delta_ap"]["Bkg"] == pytest.approx(recall_of_half / 4)
    assert set(found["delta_ap"]) == {"Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FP", "FN"}


def test_an_image_of_nothing_but_a_crowd_costs_nothing(documents: Callable[..., dict[str, Any]]) -> None:
    truth = scene()
    truth["annotations"] = truth["annotations"][-1:]
    found = documents(truth, [detection(CAT, [330.0, 30.0, 20.0, 20.0], 0.6)])
    assert sum(found["errors_test"]["count"].values()) == 0
    assert found["confusion_test"]["matrix"] == [[0, 0, 0]] * 3
    assert found["curves_test"]["mean"] is None


def test_curves_average_to_ap(
    documents: Callable[..., dict[str, Any]], random_split: SplitFactory, predict_noisily: Predictor
) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(2)
    truth, predictions = ground_truth(split), predict_noisily(split, 3)
    scores, found = score(truth, predictions), documents(truth, predictions)["curves_test"]
    for iou, name in (("0.5", "ap50"), ("0.75", "ap75"), ("mean", "ap")):
        assert np.mean(found["mean"][iou]["precision"]) == pytest.approx(scores.metrics[name])
        cell = found["classes"]["cell"][iou]["precision"]
        assert np.mean(cell) == pytest.approx(scores.per_class["cell"][name])
    assert found["classes"]["absent"] is None
    cell = found["classes"]["cell"]["0.5"]
    reached = [score for score in cell["score"] if score is not None]
    assert reached == sorted(reached, reverse=True)
    assert 0 < len(reached) < len(found["recall"]) == 101


def test_predictions_are_plain_coco_results_and_matches_are_kept(
    tmp_path: Path, documents: Callable[..., dict[str, Any]]
) -> None:
    assert documents(scene(), DETECTIONS)["predictions_test"] == DETECTIONS
    with (tmp_path / "matches_test.npz").open("rb") as file:
        assert len(MatchArrays.load(file).detection_score) == len(DETECTIONS)


def test_a_detector_that_finds_nothing_has_missed_everything(
    documents: Callable[..., dict[str, Any]],
) -> None:
    found = documents(scene(), [])
    assert found["errors_test"]["count"]["Miss"] == 3
    assert found["confusion_test"]["matrix"] == [[0, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert set(found["curves_test"]["mean"]["0.5"]["precision"]) == {0.0}
