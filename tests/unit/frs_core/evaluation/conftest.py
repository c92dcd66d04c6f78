"""Random splits, noisy detections of them, and the oracle."""

import contextlib
import copy
import io
import random
from collections.abc import Callable
from typing import Any

import pytest

CLASSES = ("cell", "platelet", "absent")

SplitFactory = Callable[[int], Any]
Predictor = Callable[..., list[dict[str, Any]]]
Oracle = Callable[[dict[str, Any], list[dict[str, Any]]], dict[str, Any]]


@pytest.fixture
def random_split() -> SplitFactory:
    """`random_split(seed)`: boxes of three sizes, some of them crowds, some images without any."""
    from frs_core.datasets.records import BoxRecord, ImageRecord, Split

    def make(seed: int) -> Any:
        draw = random.Random(seed)

        def box() -> BoxRecord:
            x, y, side = draw.uniform(0, 300), draw.uniform(0, 200), draw.choice([12.0, 40.0, 120.0])
            place = (x, y, x + side, y + side)
            return BoxRecord(box=place, label=draw.randrange(2), crowd=draw.random() < 0.1)

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

    return make


@pytest.fixture
def predict_noisily() -> Predictor:
    """`predict_noisily(split, seed, copies=1, score=random)`: each box, moved, sometimes of another class."""

    def make(
        split: Any,
        seed: int,
        *,
        copies: int = 1,
        score: Callable[[random.Random], float] = random.Random.random,
    ) -> list[dict[str, Any]]:
        draw = random.Random(seed)
        found = []
        for image in split.images:
            for truth in image.boxes * copies:
                x1, y1, x2, y2 = (value + draw.gauss(0, 4) for value in truth.box)
                label = truth.label if draw.random() < 0.8 else 1 - truth.label
                found.append(
                    {
                        "image_id": image.id,
                        "category_id": label + 1,
                        "bbox": [x1, y1, max(x2 - x1, 1.0), max(y2 - y1, 1.0)],
                        "score": score(draw),
                    }
                )
        return found

    return make


@pytest.fixture
def approximate_pycocotools() -> Oracle:
    """The 12 numbers by pycocotools, to be compared with `==`, to 1e-9; None where it gives -1."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from frs_core.events import COCO_METRICS

    def make(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> dict[str, Any]:
        with contextlib.redirect_stdout(io.StringIO()):
            annotated = COCO()
            annotated.dataset = copy.deepcopy(truth)
            annotated.createIndex()
            evaluator = COCOeval(annotated, annotated.loadRes(copy.deepcopy(predictions)), "bbox")
            evaluator.evaluate()
            evaluator.accumulate()
            evaluator.summarize()
        return {
            name: pytest.approx(float(value), abs=1e-9) if value > -1 else None
            for name, value in zip(COCO_METRICS, evaluator.stats, strict=True)
        }

    return make
