"""Imitation of neck features inside ground-truth boxes.

The mask that FRS's paper compares its own with (Du et al., NeurIPS 2021, section 4). No weight was published
for it: the defaults are ours, namely those of FRS's feature term, so that the two differ by the mask alone.
"""

from collections.abc import Mapping
from typing import Any

from frs_core.methods import Signal
from frs_core.methods.masked import LIKE_FRS, MaskedOptions


class Options(MaskedOptions):
    """The weight is ours."""


DEFAULTS: Mapping[str, Mapping[str, Any]] = LIKE_FRS
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.GT})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The features; boxes only say where."""
    return frozenset({Signal.NECK})
