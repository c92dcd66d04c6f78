"""Experiments to start from: the YAML files of this folder, called by their names."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

TITLES: Mapping[str, str] = {
    "demo": "Demo, drawn images",
    "blood-cells": "Blood cells, VOC files",
    "coco": "COCO, the paper's RetinaNet",
}
"""What the page calls them, in its order."""


@cache
def text(name: str) -> str:
    """The file of that name. Raises LookupError."""
    if name not in TITLES:
        raise LookupError(f"there is no example {name[:100]!r}; there are {', '.join(TITLES)}")
    return (Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8")
