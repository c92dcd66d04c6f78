"""The numbers of a data set, on boxes counted by hand."""

from frs_core.datasets.records import BoxRecord, ImageRecord, Split
from frs_core.datasets.statistics import SIDES, statistics


def _image(number: int, *boxes: BoxRecord, size: tuple[int, int] = (200, 100)) -> ImageRecord:
    return ImageRecord(id=number, name=f"{number}", path="", width=size[0], height=size[1], boxes=boxes)


def test_boxes_are_counted_by_class_and_by_the_sizes_of_coco() -> None:
    small = BoxRecord(box=(0, 0, 31, 32), label=0)
    medium = BoxRecord(box=(0, 0, 32, 32), label=0)
    large = BoxRecord(box=(0, 0, 150, 100), label=1, area=96.0**2)
    crowd = BoxRecord(box=(0, 0, 5, 5), label=1, crowd=True)
    images = (_image(1, small, medium, crowd), _image(2, large, small), _image(3, size=(50, 60)))
    found = statistics([Split(name="train", classes=("a", "b", "c"), images=images)]).splits["train"]
    assert (found.images, found.images_without_boxes, found.boxes, found.crowd_boxes) == (3, 1, 4, 1)
    assert found.per_class == {"a": 3, "b": 1, "c": 0}
    assert found.images_per_class == {"a": 2, "b": 1, "c": 0}
    assert found.sizes == {"small": 2, "medium": 1, "large": 1}
    assert dict(zip(SIDES, found.sides, strict=True)) | {16.0: 2, 32.0: 1, 96.0: 1} == dict(
        zip(SIDES, found.sides, strict=True)
    )
    assert sum(found.sides) == found.boxes
    assert found.image_sizes is not None
    assert found.image_sizes.common == ((200, 100, 2), (50, 60, 1))
    assert (found.image_sizes.min_width, found.image_sizes.median_height) == (50, 100)


def test_a_split_without_images_has_no_image_sizes() -> None:
    found = statistics([Split(name="val", classes=(), images=())]).splits["val"]
    assert (found.images, found.image_sizes, sum(found.sides)) == (0, None, 0)
