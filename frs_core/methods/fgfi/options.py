"""Fine-grained feature imitation: near objects, which is where anchors overlap a box nearly as well as any.

Source: Wang et al., "Distilling Object Detectors with Fine-grained Feature Imitation", CVPR 2019, equations 1
and 2, and section 3 for psi = 0.5 and lambda = 0.01. A box's best overlap is taken level by level, over the
anchors of that level.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from frs_core.methods import Signal
from frs_core.methods.masked import MaskedOptions


class Options(MaskedOptions):
    """The paper's lambda, of which the loss takes half, and psi. One setting for all detectors."""

    feature_weight: float | None = Field(default=0.01, ge=0, le=1000)
    overlap: float = Field(
        default=0.5, gt=0, lt=1, description="Share of the box's best IoU that an anchor must exceed"
    )


DEFAULTS: Mapping[str, Mapping[str, Any]] = {}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.GT, Signal.ANCHORS})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The features; boxes and anchors only say where."""
    return frozenset({Signal.NECK})
