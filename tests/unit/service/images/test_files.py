"""Recorded files become arrays; what is no such file is refused whatever it is."""

import json
import tracemalloc
import zipfile
from dataclasses import fields
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from frs_core.match_arrays import MatchArrays
from service.comparison import match_files
from service.comparison.match_files import UnreadableFileError
from service.images.files import parse_matches, parse_predictions, parse_truth
from tests.unit.service.comparison.test_images import matches

RESULT = {"image_id": 7, "category_id": 2, "bbox": [1.5, 2, 3, 4], "score": 0.25}


def test_predictions_become_arrays_in_the_files_order() -> None:
    found = parse_predictions(json.dumps([RESULT, {**RESULT, "image_id": 3}]).encode())
    assert found.image_id.tolist() == [7, 3]
    assert found.label.tolist() == [1, 1]
    assert found.boxes[0].tolist() == [1.5, 2, 3, 4]
    assert parse_predictions(b"[]").boxes.shape == (0, 4)


def test_many_predictions_take_little_more_than_their_file_and_arrays() -> None:
    content = json.dumps([RESULT] * 50_000).encode()
    tracemalloc.start()
    found = parse_predictions(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.nbytes == 50_000 * 6 * 8
    assert peak < len(content) + 4 * found.nbytes  # as a list of objects it is some 20 times that


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"{}", b"[1]", b"[[]]", b"null", b"\xff\xfe", b"[" * 100_000,
        json.dumps([{**RESULT, "bbox": [1, 2, 3]}]).encode(),
        json.dumps([{**RESULT, "bbox": [1, 2, 3, "4"]}]).encode(),
        json.dumps([{**RESULT, "bbox": [1, 2, 3, float("nan")]}]).encode(),
        json.dumps([{**RESULT, "image_id": 2**70}]).encode(),
        json.dumps([{**RESULT, "image_id": 1.5}]).encode(),
        json.dumps([{"nested": RESULT}]).encode(),
        json.dumps({"results": [RESULT]}).encode(),
    ],
    ids=lambda content: repr(content[:60]),
)  # fmt: skip
def test_what_are_no_predictions_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        parse_predictions(content)


def saved(**changes: Any) -> bytes:
    arrays = matches([(0, 0.9, True, False), (1, 0.5, False, False)], [(0, False)])
    values = {field.name: getattr(arrays, field.name) for field in fields(MatchArrays)} | changes
    file = BytesIO()
    np.savez_compressed(file, **values)
    return file.getvalue()


def test_matches_are_cut_to_all_sizes_and_the_lowest_iou() -> None:
    wide = np.zeros((2, 4, 10), bool)
    wide[0, 0, 0] = True
    found = parse_matches(saved(detection_matched=wide)).arrays
    assert found.detection_matched.tolist() == [[[True]], [[False]]]
    assert found.detection_matched.base is None


@pytest.mark.parametrize(
    "changes",
    [
        {"detection_image": np.array([0, 3], np.int32)},
        {"detection_image": np.array([0, -1], np.int32)},
        {"detection_image": np.array([0], np.int32)},
        {"detection_class": np.array([0, 1], np.int32)},
        {"detection_score": np.array([np.nan, 0.5])},
        {"detection_matched": np.zeros((2, 0, 10), bool)},
        {"detection_ignored": np.zeros((2, 4, 10), np.int8)},
        {"truth_image": np.array([9], np.int32)},
        {"truth_ignored": np.zeros((3, 1), bool)},
        {"image_ids": np.array([3, 2, 1])},
        {"image_ids": np.array(["a", "b", "c"])},
        {"classes": np.array([], np.str_)},
        {"detection_index": np.array([{}, {}], object)},
    ],
    ids=lambda changes: f"{next(iter(changes))}",
)
def test_arrays_that_do_not_fit_each_other_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableFileError):
        parse_matches(saved(**changes))


def test_what_are_no_match_arrays_is_refused() -> None:
    empty = BytesIO()
    zipfile.ZipFile(empty, "w").close()
    for content in (b"", b"PK", b"[]", empty.getvalue(), saved()[:-30], saved()[:200]):
        with pytest.raises(UnreadableFileError):
            parse_matches(content)


def test_an_archive_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    parse_matches(saved())
    monkeypatch.setattr(match_files, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(UnreadableFileError):
        parse_matches(saved())


def test_the_truth_has_names_sizes_and_boxes() -> None:
    image = {"id": 4, "file_name": "a.jpg", "width": 20, "height": 10}
    box = {"id": 1, "image_id": 4, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1, "area": 12}
    found = parse_truth(json.dumps({"images": [image], "annotations": [box], "categories": []}).encode())
    assert (found.images[4].file_name, found.images[4].width) == ("a.jpg", 20)
    assert (found.boxes.tolist(), found.label.tolist(), found.crowd.tolist()) == ([[1, 2, 3, 4]], [0], [True])
    for content in (b"{", b"[]", b'{"images": [{}], "annotations": []}'):
        with pytest.raises(UnreadableFileError):
            parse_truth(content)
