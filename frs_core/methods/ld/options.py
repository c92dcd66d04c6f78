"""Localisation distillation: the teacher's distributions of where a box's sides are.

Source: Zheng et al., "Localization Distillation for Dense Object Detection", CVPR 2022, equations 3 to 5,
with the published setting T 10, weight 0.25, and class logits at T 2, weight 10. At positive locations; the
paper's valuable region beyond them is left out.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """Of the distributions, and of the class logits at the same locations.

    The latter are softened by a softmax over classes, as published: with one class their term is zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    box_weight: float = Field(default=0.25, ge=0, le=1000)
    box_temperature: float = Field(default=10.0, gt=0, le=1000)
    classification_weight: float = Field(default=10.0, ge=0, le=1000)
    classification_temperature: float = Field(default=2.0, gt=0, le=1000)


DEFAULTS: Mapping[str, Mapping[str, Any]] = {"gfl": {}}
requires: frozenset[Signal] = frozenset({Signal.CLS, Signal.DISTRIBUTIONS, Signal.TARGETS})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The distributions and the class logits; labels only say where."""
    return frozenset({Signal.CLS, Signal.DISTRIBUTIONS})
