import hashlib
import json
from typing import Any

import numpy as np
import pytest

from frs_core import datasets
from frs_core.datasets.check import check, read_split
from frs_core.datasets.records import Split
from frs_core.spec.dataset import DatasetSpec

TRAIN_BOXES = "b39ec6f97c2b78079be7d777f8012dcf711bea344497baa995163f3634678af0"


def _spec(**options: Any) -> DatasetSpec:
    return DatasetSpec(format="synthetic", test="test", options={"train_images": 40, **options})


def _boxes_hash(split: Split) -> str:
    boxes = [[(box.label, *box.box) for box in image.boxes] for image in split.images]
    return hashlib.sha256(json.dumps(boxes).encode()).hexdigest()


def test_the_boxes_of_this_version_are_pinned() -> None:
    """Where this fails on purpose, raise layout.VERSION: cached results are of other data."""
    assert _boxes_hash(read_split(_spec(), "train")) == TRAIN_BOXES


def test_each_image_is_a_function_of_seed_split_and_index() -> None:
    load_image = datasets.get("synthetic").load_image
    longer, shorter = read_split(_spec(), "train"), read_split(_spec(train_images=2), "train")

    assert longer.images[:2] == shorter.images
    others = [read_split(_spec(seed=1), "train"), read_split(_spec(), "val")]
    drawn = [load_image(split.images[0]) for split in (longer, *others)]
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert np.array_equal(drawn[0], load_image(shorter.images[0]))


def test_the_order_of_drawing_does_not_matter() -> None:
    load_image = datasets.get("synthetic").load_image
    first, second = read_split(_spec(), "train").images[:2]

    forwards = [load_image(first), load_image(second)]
    backwards = [load_image(second), load_image(first)]

    assert np.array_equal(forwards[0], backwards[1])
    assert np.array_equal(forwards[1], backwards[0])


def test_every_class_and_small_and_large_objects_occur() -> None:
    split = read_split(_spec(classes=8, train_images=200), "train")
    boxes = [box for image in split.images for box in image.boxes]
    areas = [(box.box[2] - box.box[0]) * (box.box[3] - box.box[1]) for box in boxes]

    assert {split.classes[box.label] for box in boxes} == set(split.classes)
    assert sum(area < 32**2 for area in areas) > len(areas) / 4
    assert sum(area > 64**2 for area in areas) > len(areas) / 20


def test_an_object_differs_from_what_surrounds_it() -> None:
    """Most boxes hold more contrast than the background alone has."""
    split, load_image = read_split(_spec(), "train"), datasets.get("synthetic").load_image
    edges = []
    for image in split.images:
        pixels = load_image(image).astype(np.float32)
        everywhere = np.abs(np.diff(pixels, axis=1)).mean()
        for box in image.boxes:
            x1, y1, x2, y2 = (int(edge) for edge in box.box)
            edges.append(np.abs(np.diff(pixels[y1:y2, x1:x2], axis=1)).mean() > everywhere)

    assert np.mean(edges) > 0.6


def test_colour_alone_does_not_give_the_class() -> None:
    """The best guess from the hue in the middle of an object is better than chance, and often wrong."""
    split = read_split(_spec(classes=3, train_images=150), "train")
    load_image = datasets.get("synthetic").load_image
    hues, labels = [], []
    for image in split.images:
        pixels = load_image(image).astype(np.float32)
        for box in image.boxes:
            x, y = int(box.box[0] + box.box[2]) // 2, int(box.box[1] + box.box[3]) // 2
            blue, green, red = pixels[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
            hues.append(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))
            labels.append(box.label)
    bins = ((np.array(hues) + np.pi) / (2 * np.pi) * 12).astype(int) % 12
    votes = np.zeros((12, 3), int)
    np.add.at(votes, (bins, labels), 1)

    share_right = votes.max(axis=1).sum() / len(labels)

    assert 0.4 < share_right < 0.75


def test_the_splits_share_no_image() -> None:
    report = check(_spec(val_images=40, test_images=40))

    assert not report.errors
    assert "image_in_two_splits" not in {fault.code for fault in report.warnings}


@pytest.mark.parametrize(
    "options", [{"classes": 1}, {"classes": 9}, {"train_images": 0}, {"seed": -1}, {"width": 8}]
)
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        _spec(**options)


def test_a_split_of_another_name_is_an_error() -> None:
    (fault,) = check(DatasetSpec(format="synthetic", val="test")).errors

    assert (fault.code, fault.field) == ("split_unknown", "dataset.val")
    assert "always called val" in fault.message


class TestVisibleExtent:
    """Boxes cover what is seen, not what is hidden."""

    def _boxes(self, monkeypatch: pytest.MonkeyPatch, *placed: Any) -> list[Any]:
        from frs_core.datasets.drawing import layout

        scene = layout.Scene(
            seed=0, split="train", index=0, width=100, height=80, classes=2, max_objects=1, min_size=16
        )
        monkeypatch.setattr(layout, "things", lambda _: list(placed))
        return layout.visible_boxes(scene)

    def _thing(self, label: int | None, x: float, y: float, radius: float, shape: str = "square") -> Any:
        from frs_core.datasets.drawing.layout import Thing

        return Thing(shape=shape, label=label, x=x, y=y, radius=radius, angle=0.0, aspect=1.0)

    def test_alone_it_is_the_shapes_extent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._boxes(monkeypatch, self._thing(1, 40, 30, 20)) == [(1, (25, 15, 55, 45))]

    def test_ends_where_the_image_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._boxes(monkeypatch, self._thing(0, 0, 40, 20)) == [(0, (0, 25, 15, 55))]

    def test_leaves_out_what_a_nearer_thing_hides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        behind, before = self._thing(0, 40, 30, 20), self._thing(1, 60, 30, 40)

        assert self._boxes(monkeypatch, self._thing(0, 30, 30, 20), before) == [
            (0, (15, 15, 30, 45)),
            (1, (30, 0, 90, 60)),
        ]
        assert self._boxes(monkeypatch, before, behind) == [(1, (30, 0, 90, 60)), (0, (25, 15, 55, 45))]

    def test_nearly_hidden_objects_are_not_annotated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hidden, hider = self._thing(0, 40, 30, 20), self._thing(None, 60, 30, 40)

        assert self._boxes(monkeypatch, hidden, hider) == []

    def test_outside_the_image_is_not_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self._boxes(monkeypatch, self._thing(0, -50, -50, 20), self._thing(1, 150, 40, 20)) == []
