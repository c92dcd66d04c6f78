"""Distillation methods, one folder each: options.py (torch-free) and loss.py (torch).

A folder with an options.py is a method; its name is the name users write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Signal(StrEnum):
    """What a detector can yield for distillation, and what is known of the images it saw.

    `DISTRIBUTIONS` are logits of where a box's sides are. `HEAD_FEATURES` are the student's, between two
    convolutions of its head, and the teacher's head to go on with them. `ANCHORS` (points have none) and
    `TARGETS` are the student's own, `TARGETS` being its assignment of ground truth. `GT` comes with every
    batch.
    """

    NECK = "neck"
    CLS = "cls"
    CENTERNESS = "centerness"
    DISTRIBUTIONS = "distributions"
    HEAD_FEATURES = "head_features"
    ANCHORS = "anchors"
    TARGETS = "targets"
    GT = "gt"


CACHED = frozenset({Signal.NECK, Signal.CLS, Signal.CENTERNESS, Signal.DISTRIBUTIONS})
"""What a teacher yields of an image, and a cache of it keeps."""


@dataclass(frozen=True, kw_only=True)
class MethodInfo:
    """What the server needs to know of a method.

    `options_type` validates what the user gave; `defaults` holds, per detector family, the published
    values of the options that have no default of their own. `requires` is what the method reads of the
    detectors however it is set; `needs` tells what it reads under given options, and `compares` which of
    that it holds the student's against the teacher's, so that the two must be alike in shape.
    """

    name: str
    options_type: type[BaseModel]
    defaults: Mapping[str, Mapping[str, Any]]
    requires: frozenset[Signal]
    needs: Callable[[Any], frozenset[Signal]]
    compares: Callable[[Any], frozenset[Signal]]

    def resolve(self, options: Mapping[str, Any], family: str) -> BaseModel:
        """All options set. Raises ValueError where neither the user nor a source gives a value."""
        filled = self.options_type.model_validate({**self.defaults.get(family, {}), **options})
        missing = [key for key, value in filled if value is None]
        if missing:
            raise ValueError(
                f"{self.name!r} has no published {missing[0]} for {family}: give options.{missing[0]}"
            )
        return filled


@cache
def names() -> tuple[str, ...]:
    """The methods there are, sorted."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/options.py")))


@cache
def get(name: str) -> MethodInfo:
    """The method of that name; KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    module = import_module(f"{__name__}.{name}.options")
    return MethodInfo(
        name=name,
        options_type=module.Options,
        defaults=module.DEFAULTS,
        requires=module.requires,
        needs=getattr(module, "needs", lambda _: module.requires),
        compares=getattr(module, "compares", lambda _: module.requires),
    )
