import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from frs_core.datasets.check import check, read_split
from frs_core.errors import DatasetError
from frs_core.spec.dataset import DatasetSpec

Faults = Callable[[Any], dict[tuple[str, str], int]]


@pytest.mark.parametrize("file_format", ["voc", "coco"])
@pytest.mark.parametrize("root", ["", "/nowhere/at/all", __file__])
def test_a_root_that_is_no_folder_is_one_error(file_format: str, root: str) -> None:
    spec = DatasetSpec(format=file_format, root=root, test="test")

    (fault,) = check(spec).errors

    assert (fault.code, fault.field, fault.count) == ("root_missing", "dataset.root", 1)
    with pytest.raises(DatasetError, match="folder"):
        read_split(spec, "train")


def test_an_image_that_does_not_decode_is_found_where_asked(voc: Any, faults_of: Faults) -> None:
    path = voc.root / "JPEGImages" / "val-0.png"
    path.write_bytes(path.read_bytes()[:-60])

    assert faults_of(check(voc.spec())) == {("image_unreadable", "dataset.val"): 1}
    assert not check(voc.spec(), decode=False).errors


@pytest.mark.parametrize("content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n"])
def test_a_file_that_is_no_image_is_always_found(voc: Any, faults_of: Faults, content: bytes) -> None:
    (voc.root / "JPEGImages" / "val-0.png").write_bytes(content)

    for decode in (True, False):
        assert faults_of(check(voc.spec(), decode=decode)) == {("image_unreadable", "dataset.val"): 1}


def test_another_size_than_annotated_is_an_error(voc: Any, faults_of: Faults) -> None:
    voc.annotate("val-0", ("a", 1, 1, 9, 9), size=(24, 32))

    for decode in (True, False):
        report = check(voc.spec(), decode=decode)
        assert faults_of(report) == {("image_size_differs", "dataset.val"): 1}
        assert report.errors[0].examples == ("val-0: 32x24, annotation 24x32",)


def test_an_image_listed_twice_is_an_error(voc: Any, faults_of: Faults) -> None:
    voc.list("train", "train-0")

    assert faults_of(check(voc.spec())) == {("duplicate_image", "dataset.train"): 1}


def test_duplicate_image_ids_are_an_error(coco: Any, faults_of: Faults) -> None:
    coco.files["train"]["images"] *= 2

    assert ("duplicate_id", "dataset.train") in faults_of(check(coco.spec()))


def test_an_empty_split_is_an_error(voc: Any, faults_of: Faults) -> None:
    (voc.root / "ImageSets" / "Main" / "val.txt").write_text("\n\n")

    assert faults_of(check(voc.spec())) == {("split_empty", "dataset.val"): 1}


def test_a_train_split_without_boxes_is_an_error(voc: Any, faults_of: Faults) -> None:
    voc.annotate("train-0", ("a", 2, 2, 9, 9, 1))
    voc.annotate("val-0", ("a", 2, 2, 9, 9))

    assert faults_of(check(voc.spec())) == {("split_without_boxes", "dataset.train"): 1}


def test_background_and_absent_classes_are_warnings(voc: Any, faults_of: Faults) -> None:
    voc.annotate("train-0", ("a", 1, 1, 5, 5), ("b", 1, 1, 9, 9))
    voc.annotate("val-0", ("b", 1, 1, 9, 9))
    voc.annotate("test-0")

    report = check(voc.spec())

    assert not report.errors
    assert faults_of(report) == {
        ("class_without_boxes", "dataset.val"): 1,
        ("class_without_boxes", "dataset.test"): 2,
        ("image_without_boxes", "dataset.test"): 1,
    }
    assert report.splits["val"].per_class == {"a": 0, "b": 1}


def test_the_same_pixels_in_two_splits_are_a_warning(voc: Any, faults_of: Faults) -> None:
    voc.add("val", "copy", seed=0)

    report = check(voc.spec())

    assert faults_of(report) == {("image_in_two_splits", "dataset.val"): 1}
    assert report.warnings[0].examples == ("copy (also in train)",)


def test_faults_are_counted_with_five_examples(voc: Any) -> None:
    for number in range(7):
        voc.add("train", f"flat-{number}", ("a", 5, 5, 5, 5), ("a", 1, 1, 9, 9), seed=10 + number)

    (fault,) = check(voc.spec()).warnings

    assert (fault.count, len(fault.examples)) == (7, 5)
    assert "7" in fault.message


def test_reading_a_split_names_its_first_errors(voc: Any) -> None:
    voc.list("train", "gone", "../out")

    with pytest.raises(DatasetError, match=r"dataset.train: .*gone\.xml.*out") as caught:
        read_split(voc.spec(), "train")

    assert caught.value.field == "dataset.train"


class TestHash:
    """What the hash of a data set depends on."""

    def test_not_on_decoding_nor_on_the_place(self, voc: Any, tmp_path: Path) -> None:
        moved = shutil.copytree(voc.root, tmp_path / "moved")

        hashes = {
            check(voc.spec()).dataset_hash,
            check(voc.spec(), decode=False).dataset_hash,
            check(voc.spec(root=str(moved))).dataset_hash,
        }

        assert len(hashes) == 1
        assert None not in hashes

    def test_on_a_box_an_image_a_class_and_a_split(self, voc: Any) -> None:
        hashes = [check(voc.spec()).dataset_hash, check(voc.spec(test=None)).dataset_hash]
        voc.annotate("val-0", ("a", 2, 3, 20, 19))
        hashes.append(check(voc.spec()).dataset_hash)
        Image.new("RGB", (32, 24)).save(voc.root / "JPEGImages" / "val-0.png")
        hashes.append(check(voc.spec()).dataset_hash)
        for split in ("train", "val", "test"):
            voc.annotate(f"{split}-0", ("z", 2, 3, 20, 19))
        hashes.append(check(voc.spec()).dataset_hash)

        assert len(set(hashes)) == 5
        assert None not in hashes
