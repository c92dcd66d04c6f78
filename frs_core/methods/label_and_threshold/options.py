"""Imitation of neck features at positive locations where the teacher is sure enough too.

FRS's own ablation: labels and S together as a mask (Du et al., "Distilling Object Detectors with Feature
Richness", NeurIPS 2021, section 4). A location is positive where the student's assigner gave one of its
anchors an object. The weight is FRS's.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from frs_core.methods import Signal
from frs_core.methods.masked import LIKE_FRS, MaskedOptions


class Options(MaskedOptions):
    """The warm-up is FRS's."""

    threshold: float = Field(default=0.1, ge=0, lt=1)
    warmup_steps: int = Field(
        default=500, ge=0, description="The term grows linearly from 0 over these steps"
    )


DEFAULTS: Mapping[str, Mapping[str, Any]] = LIKE_FRS
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.CLS, Signal.TARGETS})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The features; scores and labels only say where."""
    return frozenset({Signal.NECK})
