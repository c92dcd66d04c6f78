"""Each draws one view of an image: the annotated boxes, a detector's, or a level's richness."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from frs_core import zoo
from frs_core.datasets.records import BoxRecord, ImageRecord
from frs_core.detectors.signals import teacher_signals
from frs_core.evaluation.coco import Prediction
from frs_core.evaluation.drawing import DrawnBox, draw_boxes
from frs_core.evaluation.richness_map import draw_richness
from frs_core.methods import Signal
from frs_core.methods.frs.loss import richness
from frs_core.spec.job import JobSpec
from frs_core.training.samples import SplitImages

SCORE_THRESHOLD = 0.3
Painter = Callable[[ImageRecord, NDArray[np.uint8]], Image.Image]
"""Draws what it knows of an image over its pixels, BGR uint8 (H, W, 3), which may be resized."""


def truth_painter(classes: Sequence[str]) -> Painter:
    """The annotated boxes with their classes."""

    def words(box: BoxRecord) -> str:
        return f"{classes[box.label]} (crowd)" if box.crowd else classes[box.label]

    def paint(record: ImageRecord, pixels: NDArray[np.uint8]) -> Image.Image:
        scale = pixels.shape[1] / record.width
        boxes = [
            DrawnBox(box=_scaled(box.box, scale), label=box.label, text=words(box)) for box in record.boxes
        ]
        return draw_boxes(pixels, boxes)

    return paint


def detection_painter(predictions: Sequence[Prediction], classes: Sequence[str]) -> Painter:
    """The predicted boxes from the score threshold on, with classes and scores."""

    def paint(record: ImageRecord, pixels: NDArray[np.uint8]) -> Image.Image:
        scale = pixels.shape[1] / record.width
        own = [item for item in predictions if item["image_id"] == record.id]
        shown = [item for item in own if item["score"] >= SCORE_THRESHOLD]
        return draw_boxes(
            pixels,
            [
                DrawnBox(
                    box=_scaled(_corners(item["bbox"]), scale),
                    label=item["category_id"] - 1,
                    text=f"{classes[item['category_id'] - 1]} {item['score']:.2f}",
                )
                for item in sorted(shown, key=lambda item: item["score"])  # the surest on top
            ],
        )

    return paint


def richness_painters(teacher: nn.Module, spec: JobSpec, images: SplitImages) -> dict[str, Painter]:
    """One for each level, named after its stride: p3 has a stride of 2**3 pixels."""
    assert spec.teacher is not None
    assert spec.method is not None
    detector = spec.teacher.detector
    requires = {Signal.NECK, Signal.CLS} | (spec.method.requires & {Signal.CENTERNESS})
    strides = zoo.entry(detector.zoo).strides
    levels: list[dict[int, NDArray[np.float32]]] = [{} for _ in strides]
    shapes: dict[int, tuple[int, int]] = {}
    teacher.eval()
    for index in range(len(images)):
        sample = images[(0, index)]
        image_id = sample["data_samples"].img_id
        shapes[image_id] = sample["data_samples"].img_shape
        signals = teacher_signals(teacher, detector.family, [sample["inputs"]], requires)
        for level, score in zip(levels, richness(signals.cls, signals.centerness), strict=True):
            level[image_id] = score[0, 0].cpu().numpy()

    def painter(scores: Mapping[int, NDArray[np.float32]], stride: int) -> Painter:
        return lambda record, pixels: draw_richness(
            pixels, scores[record.id], stride=stride, input_shape=shapes[record.id]
        )

    return {
        f"richness_p{stride.bit_length() - 1}": painter(scores, stride)
        for scores, stride in zip(levels, strides, strict=True)
    }


def _corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return x, y, x + width, y + height


def _scaled(box: tuple[float, float, float, float], scale: float) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (value * scale for value in box)
    return x1, y1, x2, y2
