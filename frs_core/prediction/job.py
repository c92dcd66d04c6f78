"""The story of a `predict` job: every picture looked at, its boxes written down and drawn."""

import logging
from collections.abc import Sequence
from pathlib import PurePath

from frs_core.context import RunContext
from frs_core.errors import Stopped
from frs_core.evaluation.drawing import DrawnBox, draw_boxes
from frs_core.files import publish, save_json
from frs_core.prediction.coco_document import CocoDocument, Detection
from frs_core.prediction.detect import open_detector
from frs_core.prediction.onnx_detect import open_onnx
from frs_core.prediction.pictures import pictures_of, read_pictures
from frs_core.spec.predict import PredictSpec

PREDICTIONS = "predictions.json"
DRAWN_FOLDER = "drawn"
_JPEG_QUALITY = 90
_MAX_NAME = 150

log = logging.getLogger(__name__)


def predict_pictures(spec: PredictSpec, context: RunContext) -> None:
    """Leaves `predictions.json`, a COCO document, and `drawn/<name>.jpg` for each picture.

    Raises PictureError, CheckpointError, and Stopped, after which it starts anew: it takes seconds.
    """
    files = pictures_of(spec)
    names = drawn_names([file.name for file in files])
    detect = open_detector(spec) if spec.runtime == "torch" else open_onnx(spec)
    (context.workdir / DRAWN_FOLDER).mkdir()
    document = CocoDocument(spec.classes)
    for number, (file, pixels) in enumerate(read_pictures(files)):
        if context.should_stop():
            raise Stopped(f"stopped before picture {number + 1} of {len(files)}")
        context.progress("predicting", step=number, total_steps=len(files))
        found = detect(pixels)
        document.add(file.name, width=pixels.shape[1], height=pixels.shape[0], found=found)
        path = context.workdir / DRAWN_FOLDER / f"{number + 1:04d}.jpg"
        temporary = path.with_suffix(".partial")
        drawn = draw_boxes(pixels, _drawn(found, spec.classes))
        drawn.save(temporary, "JPEG", quality=_JPEG_QUALITY)
        context.artifact(names[number], publish(temporary, path), "image/jpeg")
    save_json(context, PREDICTIONS, document.as_dict())
    context.progress("predicting", step=len(files), total_steps=len(files))
    log.info("%d boxes in %d pictures", len(document.annotations), len(files))


def drawn_names(names: Sequence[str]) -> list[str]:
    """The name of each drawn picture; of pictures with one name the later ones are numbered.

    >>> drawn_names(["a.png", "sub/a.jpg", "b"])
    ['drawn/a.jpg', 'drawn/a-2.jpg', 'drawn/b.jpg']
    """
    made: list[str] = []
    for name in names:
        stem = PurePath(name.replace("\\", "/")).stem[:_MAX_NAME] or "picture"
        number, candidate = 1, f"{DRAWN_FOLDER}/{stem}.jpg"
        while candidate in made:
            number += 1
            candidate = f"{DRAWN_FOLDER}/{stem}-{number}.jpg"
        made.append(candidate)
    return made


def _drawn(found: Sequence[Detection], classes: Sequence[str]) -> list[DrawnBox]:
    """The surest last, on top."""
    return [
        DrawnBox(box=item.box, label=item.label, text=f"{classes[item.label]} {item.score:.2f}")
        for item in reversed(found)
    ]
