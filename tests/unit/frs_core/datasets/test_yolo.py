"""YOLO folders: what is read, and every fault by its code."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from frs_core.datasets.check import check, read_split
from tests.unit.frs_core.datasets.conftest import YoloFolder

FaultsOf = Callable[[Any], dict[tuple[str, str], int]]
_ONLY_C = {("class_without_boxes", f"dataset.{split}"): 1 for split in ("train", "val", "test")}


def test_boxes_are_in_pixels_and_a_missing_or_empty_label_file_is_no_fault(yolo: YoloFolder) -> None:
    yolo.add("train", "empty")
    yolo.add("train", "missing", seed=7)
    (yolo.root / "labels" / "train" / "missing.txt").unlink()
    split = read_split(yolo.spec(), "train")
    assert split.classes == ("c", "d")
    assert [(image.name, len(image.boxes)) for image in split.images] == [
        ("images/train/0.png", 1), ("images/train/empty.png", 0), ("images/train/missing.png", 0),
    ]  # fmt: skip
    assert split.images[0].boxes[0].box == (12.0, 6.0, 20.0, 18.0)
    assert {fault.code for fault in split.warnings} == {"image_without_boxes", "class_without_boxes"}


def test_a_polygon_becomes_the_box_around_it_and_keeps_its_area(
    yolo: YoloFolder, faults_of: FaultsOf
) -> None:
    yolo.label("train", "0", "1 0 0 0.5 0 0 0.5")
    report = check(yolo.spec())
    assert not report.errors
    assert faults_of(report)["polygon_as_box", "dataset.train"] == 1
    [box] = read_split(yolo.spec(), "train").images[0].boxes
    assert (box.label, box.box, box.area) == (1, (0.0, 0.0, 16.0, 12.0), 96.0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("2 0.5 0.5 0.1 0.1", "unknown_class"),
        ("-1 0.5 0.5 0.1 0.1", "unknown_class"),
        ("0.5 0.5 0.5 0.1 0.1", "unknown_class"),
        ("0 12 6 8 12", "label_out_of_range"),
        ("0 0.5 -0.2 0.1 0.1", "label_out_of_range"),
        ("0 0.5 0.5 0.1", "label_columns"),
        ("0 0.5 0.5 0.1 0.1 0.9", "label_columns"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.9", "label_columns"),
        ("cat 0.5 0.5 0.1 0.1", "annotation_invalid"),
        ("0 nan 0.5 0.1 0.1", "annotation_invalid"),
        ("0 0.5 0.5 0.1 0", "box_without_area"),
        ("0 0.0 0.5 0.2 0.1", "box_clipped"),
        ("0 0.5 0.5 0.25 0.5", "duplicate_box"),
    ],
)
def test_each_wrong_line_is_found(yolo: YoloFolder, faults_of: FaultsOf, line: str, code: str) -> None:
    yolo.label("val", "0", "0 0.5 0.5 0.25 0.5", line)
    assert faults_of(check(yolo.spec())) == {**_ONLY_C, (code, "dataset.val"): 1}


def test_labels_without_image_and_images_that_share_labels_are_found(
    yolo: YoloFolder, faults_of: FaultsOf
) -> None:
    yolo.label("train", "ghost", "0 0.5 0.5 0.1 0.1")
    shutil.copy(yolo.root / "images" / "val" / "0.png", yolo.root / "images" / "val" / "0.bmp")
    found = faults_of(check(yolo.spec()))
    assert found["label_without_image", "dataset.train"] == 1
    assert found["duplicate_image", "dataset.val"] == 1


def test_an_image_that_a_tag_turns_is_found(yolo: YoloFolder, faults_of: FaultsOf) -> None:
    tag = Image.Exif()
    tag[0x0112] = 6
    Image.new("RGB", (32, 24)).save(yolo.root / "images" / "train" / "turned.jpg", exif=tag)
    assert faults_of(check(yolo.spec()))["image_turned", "dataset.train"] == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"names": {"0": "a", "2": "b"}}, "classes_unnumbered"),
        ({"names": ["a", "a"]}, "duplicate_class"),
        ({"names": ["a", "b"], "nc": 3}, "classes_miscounted"),
        ({"names": 3}, "split_invalid"),
        ({"names": ["a"], "kpt_shape": [17, 3]}, "split_invalid"),
        ({}, "classes_unnamed"),
    ],
)
def test_a_wrong_description_is_found(
    yolo: YoloFolder, faults_of: FaultsOf, content: dict[str, Any], code: str
) -> None:
    yolo.describe(**content)
    assert (code, "dataset.train") in faults_of(check(yolo.spec()))


@pytest.mark.parametrize("train", ["../../etc", "/etc", "C:/etc", "images/../../x"])
def test_a_place_outside_the_folder_is_refused(yolo: YoloFolder, faults_of: FaultsOf, train: str) -> None:
    yolo.describe(names=["c", "d"], train=train, val="images/val", test="images/test")
    codes = {code for code, field in faults_of(check(yolo.spec())) if field == "dataset.train"}
    assert codes & {"path_escapes_root", "split_missing"}


@pytest.mark.parametrize("train", ["../images/train", "./images/train", "train", ["images/train"]])
def test_the_ways_of_exporters_to_name_a_folder_are_understood(yolo: YoloFolder, train: Any) -> None:
    yolo.describe(names={0: "c", 1: "d"}, path=".", train=train)
    assert [image.name for image in read_split(yolo.spec(), "train").images] == ["images/train/0.png"]


def test_without_a_description_folders_lists_and_named_classes_are_enough(yolo: YoloFolder) -> None:
    (yolo.root / "data.yaml").unlink()
    (yolo.root / "classes.txt").write_text("c\nd\n")
    (yolo.root / "train.txt").write_text("./images/train/0.png\n")
    spec = yolo.spec(train="train.txt", val="images/val")
    assert not check(spec).errors
    named = check(yolo.spec(options={"classes": ["x", "y"]}))
    assert (named.classes, named.errors) == (("x", "y"), ())


def test_images_and_labels_may_lie_in_one_folder_of_each_split(yolo: YoloFolder, tmp_path: Path) -> None:
    root = tmp_path / "side-by-side"
    for split in ("train", "val", "test"):
        shutil.copytree(yolo.root / "images" / split, root / split)
        shutil.copy(yolo.root / "labels" / split / "0.txt", root / split / "0.txt")
    (root / "classes.txt").write_text("c\nd\n")
    report = check(yolo.spec(root=str(root)))
    assert not report.errors
    assert report.splits["train"].boxes == 1
