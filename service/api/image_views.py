"""What the API answers with about the images of a split. Pixels of the original image; nothing is rounded."""

from typing import Literal

from pydantic import Field

from service.api.views import View
from service.comparison.images import Sort

SplitName = Literal["val", "test"]
RowRole = Literal["teacher", "baseline", "method"]


class ImageErrorsView(View):
    """What one row got wrong in an image, of the detections that reach the threshold."""

    label: str
    role: RowRole
    seed: int
    missed: int = Field(description="Boxes that no detection of their class found at IoU 0.5")
    false_positives: int = Field(description="Detections that found no box")
    errors: int = Field(description="Both together")


class ImageSummary(View):
    """An image. `change` is errors(method) - errors(baseline): below 0 where the method mended something."""

    id: int
    name: str | None
    num_boxes: int = Field(description="Annotated boxes that count")
    errors: tuple[ImageErrorsView, ...]
    change: int | None


class ImagePage(View):
    """Images in the order asked for, and what was chosen where the request left it open."""

    experiment: str
    split: SplitName
    row: str | None
    seed: int | None
    baseline: str | None
    sort: Sort
    threshold: float
    total: int
    items: tuple[ImageSummary, ...]
    next_cursor: str | None = None


class BoxView(View):
    """A box and its class, a position in `classes`."""

    x: float
    y: float
    width: float
    height: float
    class_index: int


class TruthBoxView(BoxView):
    """An annotated box; one that is `ignored` (a crowd) need not be found."""

    ignored: bool


class DetectionView(BoxView):
    """A detected box, matched as COCO does at IoU 0.5.

    One that is `ignored` counts neither way. `truth` is the position of the box it found in `truth`; null
    where it found none, or where the annotated boxes are not known here.
    """

    score: float
    matched: bool
    ignored: bool
    truth: int | None


class RowDetections(View):
    """What one row found in the image: of each class the best 100, in order of class and falling score."""

    label: str
    role: RowRole
    seed: int
    job_id: str
    boxes: tuple[DetectionView, ...]


class PhotographView(View):
    """Where the image is served, or why it cannot be."""

    url: str | None
    reason: str | None


class RichnessView(View):
    """FRS's score S of one level of the teacher, drawn over the image."""

    level: str
    url: str


class ImageDetail(View):
    """One image with everything that is drawn over it.

    Where `size_is_known` is false, width and height are those that hold all boxes. `truth` is null where the
    annotated boxes are not known here; `num_boxes` of them count all the same.
    """

    id: int
    name: str | None
    split: SplitName
    width: int
    height: int
    size_is_known: bool
    classes: tuple[str, ...]
    num_boxes: int
    photograph: PhotographView
    truth: tuple[TruthBoxView, ...] | None
    rows: tuple[RowDetections, ...]
    richness: tuple[RichnessView, ...]
