"""What a job draws of a few images of its validation split."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from frs_core.context import LocalContext
from frs_core.datasets.records import BoxRecord, ImageRecord, Split

pytestmark = pytest.mark.torch

LEVELS = {
    "retinanet": ["p3", "p4", "p5", "p6", "p7"],
    "fcos": ["p3", "p4", "p5", "p6", "p7"],
    "faster_rcnn": ["p2", "p3", "p4", "p5", "p6"],
}


@pytest.fixture
def draw(tmp_path: Path) -> Callable[[Any], dict[str, Any]]:
    """`draw(spec)`: the index of what a job of an untrained detector draws."""
    from frs_core.datasets.check import read_split
    from frs_core.detectors.builders import build_detector
    from frs_core.evaluation.pictures import save_pictures

    def make(spec: Any) -> dict[str, Any]:
        split = read_split(spec.dataset, "val")
        detector = build_detector(spec.detector, len(split.classes), seed=0)
        save_pictures(detector, split, spec, LocalContext(tmp_path))
        found: dict[str, Any] = json.loads((tmp_path / "pictures" / "index.json").read_text())
        return found

    return make


@pytest.mark.parametrize(
    ("family", "options"),
    [("retinanet", {}), ("faster_rcnn", {}), ("fcos", {"score": "cls_x_centerness"})],
    ids=["retinanet", "faster_rcnn", "fcos_with_centerness"],
)
def test_a_distilled_student_is_seen_beside_its_teacher(
    family: str,
    options: dict[str, Any],
    tmp_path: Path,
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
    draw: Callable[[Any], dict[str, Any]],
) -> None:
    method = {"name": "frs", "options": options}
    index = draw(tiny_job("distill", family, teacher=teacher_of(family), method=method))

    views = ["gt", "student", "teacher", *(f"richness_{level}" for level in LEVELS[family])]
    assert index["split"] == "val"
    assert len(index["images"]) == 2
    for image in index["images"]:
        assert image["files"] == {view: f"pictures/{image['id']}/{view}.jpg" for view in views}
        for name in image["files"].values():
            with Image.open(tmp_path / name) as picture:
                assert picture.size == (image["drawn_width"], image["drawn_height"]) == (384, 256)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    stored = {event["name"] for event in events if event["name"].startswith("pictures/")}
    listed = {name for image in index["images"] for name in image["files"].values()}
    assert stored == listed | {"pictures/index.json"}


def test_without_a_teacher_at_hand_there_is_the_detector_alone(
    tiny_job: Callable[..., Any],
    teacher_of: Callable[[str], dict[str, Any]],
    draw: Callable[[Any], dict[str, Any]],
) -> None:
    assert {tuple(image["files"]) for image in draw(tiny_job())["images"]} == {("gt", "detector")}
    plain = tiny_job("distill", teacher=teacher_of("retinanet"), method={"name": "none"})
    assert {tuple(image["files"]) for image in draw(plain)["images"]} == {("gt", "student")}


def test_the_boxes_lie_where_the_annotations_say(
    tmp_path: Path, tiny_job: Callable[..., Any], draw: Callable[[Any], dict[str, Any]]
) -> None:
    from frs_core import datasets
    from frs_core.datasets.check import read_split
    from frs_core.evaluation.drawing import colour_of

    spec = tiny_job()
    image = draw(spec)["images"][0]
    record = next(item for item in read_split(spec.dataset, "val").images if item.id == image["id"])
    assert datasets.get("synthetic").load_image(record).shape == (64, 96, 3)
    picture = np.asarray(Image.open(tmp_path / image["files"]["gt"]), np.int16)
    x1, y1, _, y2 = (value * image["drawn_width"] / record.width for value in record.boxes[0].box)
    edge = picture[round((y1 + y2) / 2), round(x1)]
    assert np.abs(edge - colour_of(record.boxes[0].label)).max() < 60  # JPEG


def test_a_picture_that_cannot_be_drawn_costs_no_training(
    tmp_path: Path, tiny_job: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from frs_core.run import run_and_report

    def fail(*_: object) -> None:
        raise RuntimeError("no such colour")

    monkeypatch.setattr("frs_core.run.save_pictures", fail)
    assert run_and_report(tiny_job(), LocalContext(tmp_path)) == 0
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    [warning] = [event for event in events if event.get("code") == "pictures_missing"]
    assert "no such colour" in warning["message"]


def split_of(num_images: int, *, with_boxes: Callable[[int], bool]) -> Split:
    box = BoxRecord(box=(0.0, 0.0, 5.0, 5.0), label=0)
    images = tuple(
        ImageRecord(id=n, name=str(n), path="", width=9, height=9, boxes=(box,) if with_boxes(n) else ())
        for n in range(num_images)
    )
    return Split(name="val", classes=("a",), images=images)


@pytest.mark.parametrize(
    ("num_images", "with_boxes", "chosen"),
    [
        (41, lambda n: True, [0, 10, 20, 30, 40]),
        (41, lambda n: n % 2 == 1, [1, 11, 21, 29, 39]),
        (3, lambda n: False, [0, 1, 2]),
    ],
    ids=["spread", "those_with_boxes", "none_has_boxes"],
)
def test_the_images_depend_on_the_data_alone(
    num_images: int, with_boxes: Callable[[int], bool], chosen: list[int]
) -> None:
    from frs_core.evaluation.pictures import a_few

    few = a_few(split_of(num_images, with_boxes=with_boxes))
    assert [image.id for image in few.images] == chosen


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((8, 6), (320, 240)),
        ((300, 10), (600, 20)),
        ((640, 480), (640, 480)),
        ((4000, 3000), (800, 600)),
        ((9000, 2), (800, 1)),
    ],
)
def test_a_picture_is_of_a_size_to_look_at(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    from frs_core.evaluation.pictures import fit_to_page

    assert fit_to_page(np.zeros((size[1], size[0], 3), np.uint8)).shape == (drawn[1], drawn[0], 3)
