"""The numbers agree with pycocotools, and nothing to judge is None, not -1."""

import contextlib
import io
import random
from typing import Any

import pytest

from frs_core.events import COCO_METRICS

pytestmark = pytest.mark.torch

CLASSES = ("cell", "platelet", "absent")


def random_split(seed: int) -> Any:
    from frs_core.datasets.records import BoxRecord, ImageRecord, Split

    draw = random.Random(seed)

    def box() -> BoxRecord:
        x, y, side = draw.uniform(0, 300), draw.uniform(0, 200), draw.choice([12.0, 40.0, 120.0])
        return BoxRecord(box=(x, y, x + side, y + side), label=draw.randrange(2), crowd=draw.random() < 0.1)

    images = tuple(
        ImageRecord(
            id=number,
            name=f"{number}.jpg",
            path="",
            width=640,
            height=480,
            boxes=tuple(box() for _ in range(draw.randrange(6))),
        )
        for number in range(1, 25)
    )
    return Split(name="val", classes=CLASSES, images=images)


def noisy_predictions(split: Any, seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    found = []
    for image in split.images:
        for truth in image.boxes:
            x1, y1, x2, y2 = (value + draw.gauss(0, 4) for value in truth.box)
            label = truth.label if draw.random() < 0.8 else 1 - truth.label
            found.append(
                {
                    "image_id": image.id,
                    "category_id": label + 1,
                    "bbox": [x1, y1, max(x2 - x1, 1.0), max(y2 - y1, 1.0)],
                    "score": draw.random(),
                }
            )
    return found


def pycocotools_numbers(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> list[float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO()
        annotated.dataset = truth
        annotated.createIndex()
        evaluator = COCOeval(annotated, annotated.loadRes(predictions), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float(value) for value in evaluator.stats]


@pytest.mark.parametrize("seed", range(3))
def test_the_twelve_numbers_are_those_of_pycocotools(seed: int) -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(seed)
    predictions = noisy_predictions(split, seed + 100)
    ours = score(ground_truth(split), predictions).metrics
    theirs = pycocotools_numbers(ground_truth(split), predictions)
    assert list(ours) == list(COCO_METRICS)
    for name, expected in zip(COCO_METRICS, theirs, strict=True):
        assert ours[name] == (pytest.approx(expected, abs=1e-9) if expected > -1 else None)


def test_per_class_numbers_average_to_the_whole() -> None:
    from frs_core.evaluation.coco import ground_truth, score

    split = random_split(0)
    scores = score(ground_truth(split), noisy_predictions(split, 1))
    known = [found["ap"] for found in scores.per_class.values() if found["ap"] is not None]
    assert scores.per_class["absent"] == {"ap": None, "ap50": None}
    assert sum(known) / len(known) == pytest.approx(scores.metrics["ap"])


def test_finding_nothing_scores_zero() -> None:
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
