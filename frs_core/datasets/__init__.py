"""Data set formats, one file each: those that define `Options`, `read` and `load_image`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

if TYPE_CHECKING:
    from frs_core.datasets.records import ImageRecord, Split
    from frs_core.spec.dataset import DatasetSpec

_NOT_FORMATS = {
    "__init__",
    "boxes",
    "check",
    "faults",
    "folder",
    "images",
    "label_lines",
    "records",
    "roots",
    "statistics",
}


@dataclass(frozen=True, kw_only=True)
class DatasetFormat:
    """One format.

    `read(dataset, split_name)` gives train, val or test with its faults; it raises for none of them.
    `load_image(record)` gives the pixels, BGR uint8 (H, W, 3), or raises DatasetError.
    """

    name: str
    options_type: type[BaseModel]
    read: "Callable[[DatasetSpec, str], Split]"
    load_image: "Callable[[ImageRecord], NDArray[np.uint8]]"


@cache
def names() -> tuple[str, ...]:
    """The formats there are, sorted."""
    return tuple(
        sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NOT_FORMATS)
    )


@cache
def get(name: str) -> DatasetFormat:
    """The format of that name; KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    module = import_module(f"{__name__}.{name}")
    return DatasetFormat(
        name=name, options_type=module.Options, read=module.read, load_image=module.load_image
    )
