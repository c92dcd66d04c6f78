"""What a detector, its teacher and the annotations say of a few images, drawn for people to look at."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from frs_core import datasets
from frs_core.context import RunContext
from frs_core.datasets.records import ImageRecord, Split
from frs_core.detectors.wall import get_device
from frs_core.evaluation.painters import (
    SCORE_THRESHOLD,
    Painter,
    detection_painter,
    richness_painters,
    truth_painter,
)
from frs_core.evaluation.predict import predict
from frs_core.evaluation.richness_map import COLOUR_MAP, OPACITY
from frs_core.files import save_bytes, save_json
from frs_core.spec.job import JobSpec
from frs_core.training.samples import SplitImages
from frs_core.training.start import load_given

NUM_IMAGES = 5
_SHORTEST, _LONGEST = 320, 800  # pixels of a picture's longer side
_JPEG = {"quality": 85, "subsampling": 0}  # full colour: thin edges of boxes stay clear


def save_pictures(detector: nn.Module, split: Split, spec: JobSpec, context: RunContext) -> None:
    """Publish `pictures/<image id>/<view>.jpg` for a few images of the split, and `pictures/index.json`.

    The views are `gt` and `student`, or `detector` where nothing was distilled. Where the job reads its
    teacher's weights there are also `teacher` and, of its feature-richness score, `richness_p3`, ...
    """
    few = a_few(split)
    images = SplitImages(few, spec.dataset.format, spec.input_size, seed=0, flip_probability=0.0)
    painters = {
        "gt": truth_painter(split.classes),
        "student" if spec.method is not None else "detector": detection_painter(
            predict(detector, images), split.classes
        ),
    }
    if spec.needs_teacher:
        teacher = _load_teacher(spec, split.classes, context)
        painters["teacher"] = detection_painter(predict(teacher, images), split.classes)
        painters |= richness_painters(teacher, spec, images)
    load = datasets.get(spec.dataset.format).load_image
    described = [_draw(record, fit_to_page(load(record)), painters, context) for record in few.images]
    save_json(context, "pictures/index.json", {**_legend(split.name), "images": described})


def a_few(split: Split) -> Split:
    """The split with a few of its images, spread evenly over those with boxes: the same for every job."""
    candidates = [image for image in split.images if image.boxes] or split.images
    places = np.linspace(0, len(candidates) - 1, min(NUM_IMAGES, len(candidates))).round().astype(int)
    return split.model_copy(update={"images": tuple(candidates[place] for place in places)})


def fit_to_page(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in a size that words can be read in: shrunk smoothly, or enlarged by a whole factor."""
    longer = max(pixels.shape[:2])
    factor = min(_LONGEST / longer, float(-(-_SHORTEST // longer)))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def _draw(
    record: ImageRecord, pixels: NDArray[np.uint8], painters: Mapping[str, Painter], context: RunContext
) -> dict[str, Any]:
    """Publish every view of one image; what the index says of it."""
    files = {}
    for view, paint in painters.items():
        content = BytesIO()
        paint(record, pixels).save(content, "JPEG", **_JPEG)
        files[view] = f"pictures/{record.id}/{view}.jpg"
        save_bytes(context, files[view], content.getvalue(), "image/jpeg")
    size = {"width": record.width, "height": record.height}
    drawn = {"drawn_width": pixels.shape[1], "drawn_height": pixels.shape[0]}
    return {"id": record.id, "name": record.name, **size, **drawn, "files": files}


def _legend(split_name: str) -> dict[str, Any]:
    colours = {"colour_map": COLOUR_MAP, "range": [0.0, 1.0], "opacity": OPACITY}
    return {"split": split_name, "score_threshold": SCORE_THRESHOLD, "richness": colours}


def _load_teacher(spec: JobSpec, classes: Sequence[str], context: RunContext) -> nn.Module:
    """The whole teacher: in training no more of it is run than the method reads."""
    assert spec.teacher is not None
    assert spec.teacher.checkpoint is not None
    place = "teacher.checkpoint"
    detector = load_given(spec.teacher.detector, classes, spec.teacher.checkpoint, context, place=place)
    return detector.to(get_device())
