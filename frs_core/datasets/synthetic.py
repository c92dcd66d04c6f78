"""Generated images: shapes over textured backgrounds, overlapping, from small to large.

No files: `root` stays empty, and the splits are always called train, val and test. An image follows
from the options, its split and its index alone. The class is the shape; the colour leans towards the
class without giving it away, the texture says nothing of it.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from frs_core.datasets.drawing.layout import Scene, visible_boxes
from frs_core.datasets.drawing.painting import paint
from frs_core.datasets.drawing.shapes import CLASSES
from frs_core.datasets.faults import FaultLog
from frs_core.datasets.records import BoxRecord, Fault, ImageRecord, Split
from frs_core.spec.dataset import DatasetSpec


class Options(BaseModel):
    """How many images of what, in pixels; `test_images` counts where `test` is asked for.

    Sizes of objects spread evenly in logarithm from about `min_size` to six tenths of the shorter side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**32)
    train_images: int = Field(default=320, ge=1, le=1_000_000)
    val_images: int = Field(default=80, ge=1, le=1_000_000)
    test_images: int = Field(default=160, ge=1, le=1_000_000)
    width: int = Field(default=256, ge=64, le=2048)
    height: int = Field(default=192, ge=64, le=2048)
    classes: int = Field(default=5, ge=2, le=len(CLASSES))
    max_objects: int = Field(default=8, ge=1, le=40)
    min_size: int = Field(default=16, ge=8, le=256)


def read(dataset: DatasetSpec, split_name: str) -> Split:
    """The split's images with the boxes of what is seen in them, none of them drawn yet."""
    options = Options.model_validate(dataset.options)
    classes = tuple(CLASSES)[: options.classes]
    errors = _errors(dataset, split_name)
    if errors:
        return Split(name=split_name, classes=classes, images=(), errors=tuple(errors))
    count = {"train": options.train_images, "val": options.val_images, "test": options.test_images}
    images = tuple(_record(options, split_name, index) for index in range(count[split_name]))
    return Split(name=split_name, classes=classes, images=images)


def load_image(record: ImageRecord) -> NDArray[np.uint8]:
    """The pixels, BGR uint8 (H, W, 3), drawn anew at each call from `record.source`."""
    return paint(Scene.model_validate(dict(record.source)))


def _errors(dataset: DatasetSpec, split_name: str) -> list[Fault]:
    root, split = FaultLog("dataset.root"), FaultLog(f"dataset.{split_name}")
    if dataset.root:
        root.add("root_not_empty", dataset.root)
    asked = getattr(dataset, split_name)
    if asked != split_name:
        split.add("split_unknown", asked, hint=f"it is always called {split_name}")
    return [*root.errors, *split.errors]


def _record(options: Options, split: str, index: int) -> ImageRecord:
    scene = Scene(
        seed=options.seed,
        split=split,
        index=index,
        width=options.width,
        height=options.height,
        classes=options.classes,
        max_objects=options.max_objects,
        min_size=options.min_size,
    )
    return ImageRecord(
        id=index + 1,
        name=f"{split}-{index:06d}",
        path="",
        width=scene.width,
        height=scene.height,
        boxes=tuple(BoxRecord(box=box, label=label) for label, box in visible_boxes(scene)),
        source=scene.model_dump(),
    )
