"""The one form every format is read into: what training sees and evaluation judges by."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SPLITS = ("train", "val", "test")
"""The names of splits; a DatasetSpec says what each of them is, and `test` may be absent."""


class Fault(BaseModel):
    """Something wrong with the data: `field` of the specification, how often, and up to five examples."""

    model_config = ConfigDict(frozen=True)

    code: str
    field: str
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()


class BoxRecord(BaseModel):
    """One box, (x1, y1, x2, y2) in pixels of the original image, within it and with area.

    `area` is what COCO judges size by, in pixels: the annotated one where the format has it (COCO's is of
    the mask), None for the box's own. `crowd` boxes are neither trained on nor counted as missed (COCO's
    iscrowd, VOC's difficult).
    """

    model_config = ConfigDict(frozen=True)

    box: tuple[float, float, float, float]
    label: int
    crowd: bool = False
    area: float | None = None


class ImageRecord(BaseModel):
    """One image: `id` and `name` are unique within the split, `path` is empty where pixels are generated."""

    model_config = ConfigDict(frozen=True)

    id: int
    name: str
    path: str
    width: int
    height: int
    boxes: tuple[BoxRecord, ...]
    source: Mapping[str, Any] = Field(default_factory=dict, description="What a generator needs to draw it")


class Split(BaseModel):
    """One split as read: faults that end the matter are `errors`, those one can live with `warnings`."""

    model_config = ConfigDict(frozen=True)

    name: str
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    errors: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


class SplitSummary(BaseModel):
    """Counts of one split. Crowd boxes are not among them."""

    model_config = ConfigDict(frozen=True)

    images: int
    boxes: int
    per_class: Mapping[str, int]


class DatasetReport(BaseModel):
    """What `check` found. `dataset_hash` is None while there are errors."""

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...]
    splits: Mapping[str, SplitSummary]
    dataset_hash: str | None
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
