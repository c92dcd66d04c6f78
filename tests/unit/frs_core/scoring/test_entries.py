"""Predictions from outside: what is taken, and what is refused with which words."""

from typing import Any

import pytest

from frs_core.datasets.records import ImageRecord, Split
from frs_core.errors import PredictionsError
from frs_core.scoring.entries import entries_of, images_without_entry

GOOD = {"image_id": 7, "category_id": 2, "bbox": [1, 2.5, 3, 4], "score": 0.5}


@pytest.fixture
def split() -> Split:
    names = {7: "a/one.jpg", 9: "a/two.jpg", 11: "b/two.jpg"}
    images = tuple(
        ImageRecord(id=number, name=name, path="", width=10, height=10, boxes=())
        for number, name in names.items()
    )
    return Split(name="test", classes=("red", "white"), images=images)


def test_entries_keep_their_order_and_lose_what_scoring_does_not_read(split: Split) -> None:
    content = [{**GOOD, "segmentation": [[1, 2]]}, {**GOOD, "image_id": 9, "score": -3}]
    assert entries_of(content, split) == [
        {"image_id": 7, "category_id": 2, "bbox": [1.0, 2.5, 3.0, 4.0], "score": 0.5},
        {"image_id": 9, "category_id": 2, "bbox": [1.0, 2.5, 3.0, 4.0], "score": -3.0},
    ]
    assert images_without_entry(entries_of(content, split), split) == ["b/two.jpg"]
    assert entries_of([], split) == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"image_id": 8}, "image_id", ["image_id 8", "no image of the split", "known: 7, 9, 11"]),
        ({"image_id": "7"}, "image_id", ["'7'", "no image"]),
        ({"image_id": True}, "image_id", ["True", "no image"]),
        ({"image_id": [7]}, "image_id", ["[7]", "no image"]),
        ({"image_id": 10**30}, "image_id", ["no image"]),
        ({"category_id": 3}, "category_id", ["category_id 3", "no class", "known: 1, 2"]),
        ({"category_id": 0}, "category_id", ["no class"]),
        ({"bbox": [1, 2, 3]}, "bbox", ["[1, 2, 3]", "four finite numbers"]),
        ({"bbox": [1, 2, 3, "4"]}, "bbox", ["four finite numbers"]),
        ({"bbox": "1 2 3 4"}, "bbox", ["four finite numbers"]),
        ({"bbox": [1, 2, float("nan"), 4]}, "bbox", ["nan", "four finite numbers"]),
        ({"bbox": [1, 2, float("inf"), 4]}, "bbox", ["inf", "four finite numbers"]),
        ({"bbox": [1, 2, 10**400, 4]}, "bbox", ["four finite numbers"]),
        ({"bbox": [5, 5, -1, 4]}, "bbox", ["[5, 5, -1, 4]", "negative", "not two corners"]),
        ({"bbox": [5, 5, 1, -4]}, "bbox", ["negative"]),
        ({"score": float("nan")}, "score", ["score nan", "finite number"]),
        ({"score": None}, "score", ["score None", "finite number"]),
        ({"score": False}, "score", ["finite number"]),
    ],
)
def test_a_faulty_entry_is_named_with_its_field_its_value_and_the_remedy(
    split: Split, change: dict[str, Any], field: str, words: list[str]
) -> None:
    with pytest.raises(PredictionsError) as refused:
        entries_of([GOOD, {**GOOD, **change}, GOOD], split)
    assert refused.value.field == f"predictions.1.{field}"
    for word in ["entry 2 of 3", *words]:
        assert word in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("key", sorted(GOOD))
def test_an_entry_without_a_key_says_which(split: Split, key: str) -> None:
    with pytest.raises(PredictionsError, match=rf"entry 1 of 1.*it lacks {key}"):
        entries_of([{name: value for name, value in GOOD.items() if name != key}], split)


@pytest.mark.parametrize("content", [None, 3, "text", {}, {"annotations": {}}, {"images": []}])
def test_what_holds_no_predictions_is_refused(split: Split, content: Any) -> None:
    with pytest.raises(PredictionsError, match="holds no predictions"):
        entries_of(content, split)


@pytest.mark.parametrize("item", [None, 3, [GOOD], "x" * 10_000])
def test_an_entry_that_is_no_object_is_refused(split: Split, item: Any) -> None:
    with pytest.raises(PredictionsError, match=r"entry 1 of 1.*give an object"):
        entries_of([item], split)


def document(file_name: str, **changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": file_name}],
        "categories": [{"id": 5, "name": "white"}],
        "annotations": [{**GOOD, "image_id": 1, "category_id": 5}],
        **changes,
    }


@pytest.mark.parametrize(
    ("file_name", "image_id"),
    [("a/one.jpg", 7), ("elsewhere/one.jpg", 7), ("one.png", 7), ("a/two.jpg", 9), ("b/two.jpg", 11)],
)
def test_a_documents_own_ids_are_found_by_file_name_and_class(
    split: Split, file_name: str, image_id: int
) -> None:
    [entry] = entries_of(document(file_name), split)
    assert (entry["image_id"], entry["category_id"]) == (image_id, 2)


@pytest.mark.parametrize("file_name", ["two.jpg", "c/two.jpg", "three.jpg"])
def test_a_file_name_that_means_no_image_or_two_is_refused_by_name(split: Split, file_name: str) -> None:
    with pytest.raises(PredictionsError, match=f"which the document calls '{file_name}'"):
        entries_of(document(file_name), split)


def test_a_document_without_images_has_the_ids_of_the_ground_truth(split: Split) -> None:
    assert entries_of({"annotations": [GOOD]}, split) == entries_of([GOOD], split)


@pytest.mark.parametrize(
    ("part", "value"),
    [("images", 3), ("images", [3]), ("images", [{"id": 1}]), ("images", [{"id": "1", "file_name": "a"}]),
     ("categories", [{"id": 1, "name": 5}]), ("categories", {"id": 1})],
)  # fmt: skip
def test_a_document_with_faulty_parts_names_them(split: Split, part: str, value: Any) -> None:
    with pytest.raises(PredictionsError, match=rf"{part}\.0 is"):
        entries_of(document("a/one.jpg", **{part: value}), split)


def test_ground_truth_is_no_prediction(split: Split) -> None:
    annotation = {"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1], "iscrowd": 0}
    with pytest.raises(PredictionsError, match="it lacks score"):
        entries_of({"annotations": [annotation]}, split)
