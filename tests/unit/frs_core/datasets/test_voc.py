from collections.abc import Callable
from typing import Any

import pytest

from frs_core.datasets import voc as voc_format
from frs_core.datasets.check import check, read_split
from frs_core.errors import DatasetError

Faults = Callable[[Any], dict[tuple[str, str], int]]

BILLION_LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<annotation><size><width>32</width><height>24</height></size><object><name>&b;</name></object></annotation>"""


def test_edges_are_taken_as_they_stand(voc: Any) -> None:
    (image,) = read_split(voc.spec(), "train").images

    assert (image.name, image.width, image.height) == ("train-0", 32, 24)
    assert image.boxes[0].box == (2.0, 3.0, 20.0, 18.0)


def test_classes_are_the_train_splits_sorted(voc: Any) -> None:
    voc.annotate("train-0", ("b", 1, 1, 5, 5), ("a", 1, 1, 9, 9))

    train, val = read_split(voc.spec(), "train"), read_split(voc.spec(), "val")

    assert train.classes == val.classes == ("a", "b")
    assert [box.label for box in train.images[0].boxes] == [1, 0]


def test_classes_given_keep_their_order(voc: Any) -> None:
    split = read_split(voc.spec(options={"classes": ["b", "a"]}), "train")

    assert split.classes == ("b", "a")
    assert split.images[0].boxes[0].label == 1


def test_a_class_named_twice_is_refused(voc: Any) -> None:
    with pytest.raises(ValueError, match="named once"):
        voc.spec(options={"classes": ["a", "a"]})


def test_a_class_not_given_is_an_error(voc: Any, faults_of: Faults) -> None:
    report = check(voc.spec(test=None, options={"classes": ["c"]}))

    assert faults_of(report)["unknown_class", "dataset.train"] == 1
    assert "known: c" in report.errors[0].message
    assert report.dataset_hash is None


def test_a_class_only_in_val_is_an_error_there(voc: Any, faults_of: Faults) -> None:
    voc.annotate("val-0", ("zebra", 1, 1, 9, 9), ("a", 1, 1, 9, 9))

    report = check(voc.spec())

    assert {fault.field: fault.examples for fault in report.errors} == {"dataset.val": ("val-0: zebra",)}


def test_difficult_objects_are_crowd(voc: Any) -> None:
    voc.annotate("train-0", ("a", 1, 1, 9, 9, 1), ("a", 1, 1, 9, 9, 0))

    assert [box.crowd for box in read_split(voc.spec(), "train").images[0].boxes] == [True, False]


@pytest.mark.parametrize(
    ("box", "code"),
    [
        (("a", 5, 5, 5, 9), "box_without_area"),
        (("a", 9, 5, 5, 9), "box_without_area"),
        (("a", 40, 5, 50, 9), "box_outside"),
        (("a", 20, 5, 50, 9), "box_clipped"),
        (("a", -3, 5, 5, 9), "box_clipped"),
    ],
)
def test_boxes_one_can_live_with_are_warnings(
    voc: Any, faults_of: Faults, box: tuple[Any, ...], code: str
) -> None:
    voc.annotate("train-0", box, ("a", 2, 3, 20, 18))

    report = check(voc.spec())

    assert not report.errors
    assert faults_of(report) == {(code, "dataset.train"): 1}
    assert report.splits["train"].boxes == (2 if code == "box_clipped" else 1)


def test_a_clipped_box_ends_at_the_border(voc: Any) -> None:
    voc.annotate("train-0", ("a", -3, 5, 50, 90))

    assert read_split(voc.spec(), "train").images[0].boxes[0].box == (0.0, 5.0, 32.0, 24.0)


@pytest.mark.parametrize(
    "content",
    [
        "not xml",
        "<annotation>",
        "<annotation/>",
        BILLION_LAUGHS,
        BILLION_LAUGHS.replace('"1.0"?', '"1.0" encoding="utf-7"?'),
        "<annotation><size><width>0</width><height>24</height></size></annotation>",
        "<annotation><size><width>32</width><height>24</height></size><object><name>a</name>"
        "<bndbox><xmin>one</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<annotation><size><width>32</width><height>24</height></size><object><name>a</name>"
        "<bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object></annotation>",
        "<annotation><size><width>32</width><height>24</height></size><object><name>a</name></object></annotation>",
    ],
)
def test_an_annotation_that_cannot_be_read_is_an_error(voc: Any, content: str) -> None:
    voc.add("train", "bad", note=content)

    report = check(voc.spec())

    (fault,) = report.errors
    assert (fault.code, fault.field, fault.count) == ("annotation_invalid", "dataset.train", 1)
    assert "bad" in fault.examples[0]


def test_a_document_type_is_refused_as_such(voc: Any) -> None:
    voc.add("train", "bad", note=BILLION_LAUGHS)

    assert "DOCTYPE" in check(voc.spec()).errors[0].examples[0]


def test_missing_files_are_errors(voc: Any, faults_of: Faults) -> None:
    voc.add("train", "no-annotation")
    voc.annotation("no-annotation").unlink()
    voc.add("val", "no-image")
    (voc.root / "JPEGImages" / "no-image.png").unlink()

    assert faults_of(check(voc.spec())) == {
        ("annotation_missing", "dataset.train"): 1,
        ("image_missing", "dataset.val"): 1,
    }


def test_a_missing_split_names_those_there_are(voc: Any) -> None:
    (fault,) = check(voc.spec(val="validation")).errors

    assert (fault.code, fault.field) == ("split_missing", "dataset.val")
    assert "test, train, val" in fault.message


def test_without_the_train_split_no_other_can_be_read(voc: Any) -> None:
    with pytest.raises(DatasetError, match="mend that split first"):
        read_split(voc.spec(train="nowhere"), "val")


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "..\\outside", "C:/outside"])
def test_a_name_that_leaves_the_folder_is_an_error(voc: Any, faults_of: Faults, name: str) -> None:
    voc.list("train", name)

    assert faults_of(check(voc.spec())) == {("path_escapes_root", "dataset.train"): 1}
    assert faults_of(voc_format.read(voc.spec(val=name), "val"))["path_escapes_root", "dataset.val"] == 1


def test_a_list_in_another_encoding_is_an_error(voc: Any, faults_of: Faults) -> None:
    (voc.root / "ImageSets" / "Main" / "val.txt").write_bytes("médical\n".encode("latin-1"))

    assert faults_of(check(voc.spec())) == {("split_invalid", "dataset.val"): 1}


def test_blood_cells_have_two_boxes_without_area(bccd_root: Any) -> None:
    report = check(_bccd(bccd_root, train="trainval", val="test"), decode=False)

    assert report.classes == ("Platelets", "RBC", "WBC")
    assert not report.errors
    assert [(fault.code, fault.field, fault.count) for fault in report.warnings] == [
        ("box_without_area", "dataset.train", 2)
    ]
    assert (report.splits["train"].images, report.splits["train"].boxes) == (292, 3941)
    assert (report.splits["val"].images, report.splits["val"].boxes) == (72, 945)


def test_blood_cells_decode(bccd_root: Any) -> None:
    report = check(_bccd(bccd_root, train="val", val="test"), decode=True)

    assert report.dataset_hash is not None
    assert report.dataset_hash == check(_bccd(bccd_root, train="val", val="test"), decode=False).dataset_hash


def _bccd(root: Any, **splits: str) -> Any:
    from frs_core.spec.dataset import DatasetSpec

    return DatasetSpec(format="voc", root=str(root), **splits)
