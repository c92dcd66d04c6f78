"""Tiny data sets written by hand, right by default, to be made wrong by each test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from frs_core.spec.dataset import DatasetSpec

SIZE = (32, 24)


def write_image(path: Path, seed: int, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


class VocFolder:
    """A VOC folder with one image in each of train, val and test, all boxes of class `a`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for seed, split in enumerate(("train", "val", "test")):
            self.add(split, f"{split}-0", seed=seed)

    def add(self, split: str, name: str, *boxes: tuple[Any, ...], seed: int = 100, note: str = "") -> None:
        """One more image; `boxes` are (class, x1, y1, x2, y2[, difficult])."""
        write_image(self.root / "JPEGImages" / f"{name}.png", seed)
        self.annotate(name, *(boxes or (("a", 2, 3, 20, 18),)))
        if note:
            self.annotation(name).write_text(note)
        self.list(split, name)

    def list(self, split: str, *names: str) -> None:
        path = self.root / "ImageSets" / "Main" / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in (*self.listed(split), *names)))

    def listed(self, split: str) -> tuple[str, ...]:
        path = self.root / "ImageSets" / "Main" / f"{split}.txt"
        return tuple(path.read_text().split()) if path.exists() else ()

    def annotation(self, name: str) -> Path:
        return self.root / "Annotations" / f"{name}.xml"

    def annotate(self, name: str, *boxes: tuple[Any, ...], size: tuple[Any, Any] = SIZE) -> None:
        objects = "".join(_voc_object(*box) for box in boxes)
        self.annotation(name).parent.mkdir(parents=True, exist_ok=True)
        self.annotation(name).write_text(
            f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size>{objects}</annotation>"
        )

    def spec(self, **changes: Any) -> DatasetSpec:
        return DatasetSpec.model_validate({"format": "voc", "root": str(self.root), "test": "test"} | changes)


def _voc_object(name: str, x1: Any, y1: Any, x2: Any, y2: Any, difficult: int = 0) -> str:
    return (
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin>"
        f"<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
    )


class CocoFolder:
    """A COCO data set with one image in each of train.json, val.json and test.json, in images/."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, dict[str, Any]] = {}
        for seed, split in enumerate(("train", "val", "test")):
            write_image(root / "images" / f"{split}.png", seed)
            self.files[split] = {
                "images": [{"id": 5, "file_name": f"{split}.png", "width": SIZE[0], "height": SIZE[1]}],
                "annotations": [{"id": 1, "image_id": 5, "category_id": 9, "bbox": [2, 3, 18, 15]}],
                "categories": [{"id": 9, "name": "b"}],
            }

    def image(self, split: str) -> dict[str, Any]:
        return self.files[split]["images"][0]

    def box(self, split: str) -> dict[str, Any]:
        return self.files[split]["annotations"][0]

    def spec(self, **changes: Any) -> DatasetSpec:
        """Writes the files as they are now."""
        for split, content in self.files.items():
            (self.root / f"{split}.json").write_text(json.dumps(content))
        names = {split: f"{split}.json" for split in self.files}
        given = {"format": "coco", "root": str(self.root), "options": {"images": "images"}}
        return DatasetSpec.model_validate(given | names | changes)


@pytest.fixture
def voc(tmp_path: Path) -> VocFolder:
    return VocFolder(tmp_path / "voc")


@pytest.fixture
def coco(tmp_path: Path) -> CocoFolder:
    (tmp_path / "coco").mkdir()
    return CocoFolder(tmp_path / "coco")


@pytest.fixture
def faults_of() -> Callable[[Any], dict[tuple[str, str], int]]:
    """(code, field) -> count, to compare a report's or a split's errors and warnings at once."""

    def collect(found: Any) -> dict[tuple[str, str], int]:
        return {(fault.code, fault.field): fault.count for fault in (*found.errors, *found.warnings)}

    return collect


class YoloFolder:
    """A YOLO folder with one image in each of train, val and test, all boxes of class `c`, and data.yaml."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for seed, split in enumerate(("train", "val", "test")):
            self.add(split, "0", "0 0.5 0.5 0.25 0.5", seed=seed)
        self.describe(names=["c", "d"], train="images/train", val="images/val", test="images/test")

    def add(self, split: str, name: str, *lines: str, seed: int = 100) -> None:
        """One more image with its label file."""
        write_image(self.root / "images" / split / f"{name}.png", seed)
        self.label(split, name, *lines)

    def label(self, split: str, name: str, *lines: str) -> None:
        path = self.root / "labels" / split / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))

    def describe(self, **content: Any) -> None:
        (self.root / "data.yaml").write_text(json.dumps(content))  # JSON is YAML

    def spec(self, **changes: Any) -> DatasetSpec:
        given = {"format": "yolo", "root": str(self.root), "test": "test"}
        return DatasetSpec.model_validate(given | changes)


@pytest.fixture
def yolo(tmp_path: Path) -> YoloFolder:
    return YoloFolder(tmp_path / "yolo")
