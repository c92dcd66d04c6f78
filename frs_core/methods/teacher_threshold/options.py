"""Imitation of neck features where the teacher's highest class score exceeds a threshold.

FRS's own ablation: S as a mask of zeros and ones (Du et al., "Distilling Object Detectors with Feature
Richness", NeurIPS 2021, section 4). The weight is FRS's.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from frs_core.methods import Signal
from frs_core.methods.masked import LIKE_FRS, MaskedOptions


class Options(MaskedOptions):
    """The warm-up is FRS's."""

    threshold: float = Field(default=0.05, ge=0, lt=1)
    warmup_steps: int = Field(
        default=500, ge=0, description="The term grows linearly from 0 over these steps"
    )


DEFAULTS: Mapping[str, Mapping[str, Any]] = LIKE_FRS
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.CLS})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The features; scores only say where."""
    return frozenset({Signal.NECK})
