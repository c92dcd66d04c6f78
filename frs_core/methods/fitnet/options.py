"""Imitation of the whole feature map: every location counts alike.

Source: the hint loss of Romero et al., "FitNets", ICLR 2015, equation 3, on every level of the neck. No
weight was published for these detectors: the defaults are ours, namely those of FRS's feature term, so that
the two differ by the mask alone.
"""

from collections.abc import Mapping
from typing import Any

from frs_core.methods import Signal
from frs_core.methods.masked import LIKE_FRS, MaskedOptions


class Options(MaskedOptions):
    """The weight is ours."""


DEFAULTS: Mapping[str, Mapping[str, Any]] = LIKE_FRS
requires: frozenset[Signal] = frozenset({Signal.NECK})
