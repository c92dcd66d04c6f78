"""What a data set looks like in numbers: classes, sizes of boxes and of images. Crowd boxes are apart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from pydantic import BaseModel, ConfigDict

from frs_core.datasets.records import BoxRecord, Split

SMALL_AREA, MEDIUM_AREA = 32.0**2, 96.0**2
"""COCO's bounds: small below the first, large from the second, in pixels of the original image."""
SIDES = (0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 96.0, 128.0, 256.0, 512.0, 1024.0)
"""Bounds of the histogram of sides, each the root of an area; the last bin has no upper one."""
MAX_IMAGE_SIZES = 10


class ImageSizes(BaseModel):
    """Width and height in pixels; `common` are the most frequent sizes, (width, height, images)."""

    model_config = ConfigDict(frozen=True)

    min_width: int
    max_width: int
    median_width: float
    min_height: int
    max_height: int
    median_height: float
    common: tuple[tuple[int, int, int], ...]
    num_different: int


class SplitStatistics(BaseModel):
    """One split. `sizes` counts small, medium and large boxes; `sides` is a histogram over `SIDES`."""

    model_config = ConfigDict(frozen=True)

    images: int
    images_without_boxes: int
    boxes: int
    crowd_boxes: int
    max_boxes_of_an_image: int
    per_class: Mapping[str, int]
    images_per_class: Mapping[str, int]
    sizes: Mapping[str, int]
    sides: tuple[int, ...]
    image_sizes: ImageSizes | None


class DatasetStatistics(BaseModel):
    """Of every split there is, by its name."""

    model_config = ConfigDict(frozen=True)

    splits: Mapping[str, SplitStatistics]


def statistics(splits: Iterable[Split]) -> DatasetStatistics:
    """The numbers of splits as they were read."""
    return DatasetStatistics(splits={split.name: _of_split(split) for split in splits})


def side_bins() -> tuple[tuple[float, float | None], ...]:
    """The bounds of each bin of `sides`.

    >>> side_bins()[0], side_bins()[-1]
    ((0.0, 4.0), (1024.0, None))
    """
    return (*pairwise(SIDES), (SIDES[-1], None))


def _of_split(split: Split) -> SplitStatistics:
    boxes = [box for image in split.images for box in image.boxes if not box.crowd]
    counts = Counter(box.label for box in boxes)
    images = Counter(
        label for image in split.images for label in {box.label for box in image.boxes if not box.crowd}
    )
    areas = [_area(box) for box in boxes]
    return SplitStatistics(
        images=len(split.images),
        images_without_boxes=sum(not image.boxes for image in split.images),
        boxes=len(boxes),
        crowd_boxes=sum(len(image.boxes) for image in split.images) - len(boxes),
        max_boxes_of_an_image=max((len(image.boxes) for image in split.images), default=0),
        per_class={name: counts[label] for label, name in enumerate(split.classes)},
        images_per_class={name: images[label] for label, name in enumerate(split.classes)},
        sizes=_sizes(areas),
        sides=_histogram([area**0.5 for area in areas]),
        image_sizes=_image_sizes([(image.width, image.height) for image in split.images]),
    )


def _area(box: BoxRecord) -> float:
    x1, y1, x2, y2 = box.box
    return (x2 - x1) * (y2 - y1) if box.area is None else box.area


def _sizes(areas: Sequence[float]) -> dict[str, int]:
    small = sum(area < SMALL_AREA for area in areas)
    large = sum(area >= MEDIUM_AREA for area in areas)
    return {"small": small, "medium": len(areas) - small - large, "large": large}


def _histogram(sides: Sequence[float]) -> tuple[int, ...]:
    counts = Counter(sum(side >= bound for bound in SIDES) - 1 for side in sides)
    return tuple(counts[index] for index in range(len(SIDES)))


def _image_sizes(sizes: Sequence[tuple[int, int]]) -> ImageSizes | None:
    if not sizes:
        return None
    widths, heights = [width for width, _ in sizes], [height for _, height in sizes]
    counts = Counter(sizes)
    return ImageSizes(
        min_width=min(widths),
        max_width=max(widths),
        median_width=median(widths),
        min_height=min(heights),
        max_height=max(heights),
        median_height=median(heights),
        common=tuple((*size, count) for size, count in counts.most_common(MAX_IMAGE_SIZES)),
        num_different=len(counts),
    )
