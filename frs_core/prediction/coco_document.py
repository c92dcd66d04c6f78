"""Found boxes as one COCO document: images, categories, and annotations with their scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A box (x1, y1, x2, y2) in pixels of its picture; `label` counts classes from 0."""

    box: tuple[float, float, float, float]
    label: int
    score: float


@dataclass
class CocoDocument:
    """Grows by a picture at a time. Category ids are labels + 1; boxes are (x, y, width, height)."""

    classes: Sequence[str]
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, *, width: int, height: int, found: Sequence[Detection]) -> None:
        """A picture and what was found in it."""
        image_id = len(self.images) + 1
        self.images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for detection in found:
            x1, y1, x2, y2 = detection.box
            self.annotations.append(
                {
                    "id": len(self.annotations) + 1,
                    "image_id": image_id,
                    "category_id": detection.label + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "score": detection.score,
                }
            )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        categories = [{"id": label + 1, "name": name} for label, name in enumerate(self.classes)]
        return {"images": self.images, "categories": categories, "annotations": self.annotations}
