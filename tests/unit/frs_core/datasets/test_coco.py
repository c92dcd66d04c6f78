import json
from collections.abc import Callable
from typing import Any

import pytest

from frs_core.datasets.check import check, read_split
from frs_core.errors import DatasetError

Faults = Callable[[Any], dict[tuple[str, str], int]]


def test_reads_boxes_as_corners(coco: Any) -> None:
    coco.files["train"]["annotations"].append(coco.box("train") | {"id": 2, "iscrowd": 1})

    split = read_split(coco.spec(), "train")

    assert split.classes == ("b",)
    (image,) = split.images
    assert (image.id, image.name, image.path) == (5, "train.png", str(coco.root / "images" / "train.png"))
    assert image.boxes[0].box == (2.0, 3.0, 20.0, 18.0)
    assert [box.crowd for box in image.boxes] == [False, True]


def test_labels_follow_the_train_files_order_whatever_the_ids(coco: Any) -> None:
    coco.files["train"]["categories"] = [{"id": 9, "name": "b"}, {"id": 2, "name": "a"}]
    coco.files["val"]["categories"] = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    coco.box("val")["category_id"] = 2

    split = read_split(coco.spec(test=None), "val")

    assert split.classes == ("b", "a")
    assert split.images[0].boxes[0].label == 0


def test_other_class_names_than_train_are_an_error(coco: Any, faults_of: Faults) -> None:
    coco.files["val"]["categories"] = [{"id": 9, "name": "c"}]

    report = check(coco.spec())

    assert faults_of(report)["classes_differ", "dataset.val"] == 2
    assert report.errors[0].examples == ("b", "c")


def test_one_folder_of_images_for_each_split(coco: Any) -> None:
    for split in ("train", "val", "test"):
        (coco.root / split).mkdir()
        (coco.root / "images" / f"{split}.png").rename(coco.root / split / f"{split}.png")
    folders = {"train": "train", "val": "val", "test": "test"}

    assert check(coco.spec(options={"images": folders})).dataset_hash is not None


@pytest.mark.parametrize("folder", ["..", "/etc", "images/../.."])
def test_a_folder_of_images_outside_is_one_error(coco: Any, faults_of: Faults, folder: str) -> None:
    report = check(coco.spec(options={"images": {"train": "images", "val": folder, "test": "images"}}))

    assert faults_of(report) == {("path_escapes_root", "dataset.val"): 1}


@pytest.mark.parametrize(
    ("part", "change", "code"),
    [
        ("annotations", {"category_id": 4}, "unknown_class"),
        ("annotations", {"image_id": 4}, "unknown_image"),
        ("annotations", {"bbox": [1, 2, 3]}, "annotation_invalid"),
        ("annotations", {"bbox": [1, 2, 3, float("nan")]}, "annotation_invalid"),
        ("images", {"width": 0}, "annotation_invalid"),
        ("images", {"file_name": "../train.png"}, "path_escapes_root"),
        ("images", {"file_name": "/etc/hostname"}, "path_escapes_root"),
        ("images", {"file_name": "nul\0.png"}, "path_escapes_root"),
        ("images", {"file_name": "gone.png"}, "image_missing"),
        ("images", {"file_name": "x" * 5000}, "image_missing"),
        ("images", {"height": 25}, "image_size_differs"),
    ],
)
def test_errors(coco: Any, faults_of: Faults, part: str, change: dict[str, Any], code: str) -> None:
    coco.files["val"][part].append(coco.files["val"][part][0] | {"id": 77} | change)
    if part == "images":
        coco.files["val"][part].pop(0)

    report = check(coco.spec())

    assert (code, "dataset.val") in faults_of(report)
    assert report.dataset_hash is None
    assert {fault.field for fault in report.errors} == {"dataset.val"}


@pytest.mark.parametrize(
    ("bbox", "code"),
    [
        ([2, 3, 0, 4], "box_without_area"),
        ([2, 3, -5, 4], "box_without_area"),
        ([32, 3, 5, 4], "box_outside"),
        ([30, 3, 5, 4], "box_clipped"),
    ],
)
def test_warnings(coco: Any, faults_of: Faults, bbox: list[float], code: str) -> None:
    coco.files["val"]["annotations"].append(coco.box("val") | {"id": 2, "bbox": bbox})

    report = check(coco.spec())

    assert faults_of(report) == {(code, "dataset.val"): 1}
    assert report.warnings[0].examples[0].startswith("annotation 2 ")


def test_rounding_beyond_the_border_is_no_news(coco: Any, faults_of: Faults) -> None:
    coco.box("val")["bbox"] = [2, 3, 30.001, 21]

    assert faults_of(check(coco.spec())) == {}
    assert read_split(coco.spec(), "val").images[0].boxes[0].box == (2, 3, 32, 24)


def test_duplicate_ids_are_errors(coco: Any) -> None:
    coco.files["val"]["annotations"] *= 2
    coco.files["train"]["categories"].append({"id": 9, "name": "other"})

    errors = {(fault.code, fault.field): fault.examples for fault in check(coco.spec(test=None)).errors}

    assert errors["duplicate_id", "dataset.val"] == ("annotation id 1",)
    assert errors["duplicate_class", "dataset.train"] == ("9",)


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"images": []}), '{"images": ' + "[" * 10_000])
def test_a_file_that_is_not_coco_is_an_error(coco: Any, faults_of: Faults, content: str) -> None:
    spec = coco.spec()
    (coco.root / "train.json").write_text(content)

    assert ("annotation_invalid", "dataset.train") in faults_of(check(spec))
    with pytest.raises(DatasetError, match="train split"):
        read_split(spec, "val")


def test_a_missing_file_is_an_error(coco: Any, faults_of: Faults) -> None:
    assert faults_of(check(coco.spec(val="nowhere.json"))) == {("split_missing", "dataset.val"): 1}
    assert faults_of(check(coco.spec(val="../val.json"))) == {("path_escapes_root", "dataset.val"): 1}
