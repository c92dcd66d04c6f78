"""Imitation of neck features at positive locations where the teacher is sure enough too.

FRS's own ablation: labels and S together as a mask (Du et al., "Distilling Object Detectors with Feature
Richness", NeurIPS 2021, section 4). A location is positive where the student's assigner gave one of its
anchors an object. The weight is FRS's.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from frs_core.methods import Signal
from frs_core.methods.masked import LIKE_FRS
from frs_core.methods.teacher_threshold.options import Options as ThresholdOptions
from frs_core.methods.teacher_threshold.options import compares

__all__ = ["DEFAULTS", "Options", "compares", "requires"]


class Options(ThresholdOptions):
    """The warm-up is FRS's."""

    threshold: float = Field(default=0.1, ge=0, lt=1)


DEFAULTS: Mapping[str, Mapping[str, Any]] = LIKE_FRS
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.CLS, Signal.TARGETS})
