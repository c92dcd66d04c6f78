"""Focal and global imitation of neck features.

Source: Yang et al., "Focal and Global Knowledge Distillation for Detectors", CVPR 2022, equations 1 to 12,
and section 4.1 for the settings. Boxes are scaled by the padded input that the features were made of. Where
the channels differ, a 1 x 1 convolution bridges them, as there.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """The paper's T, alpha, beta, gamma and lambda; None takes the family's published value."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature: float | None = Field(default=None, gt=0, le=1000)
    foreground_weight: float | None = Field(default=None, ge=0, le=1000)
    background_weight: float | None = Field(default=None, ge=0, le=1000)
    attention_weight: float | None = Field(default=None, ge=0, le=1000)
    relation_weight: float | None = Field(default=None, ge=0, le=1000)


def _setting(temperature: float, alpha: float, beta: float, gamma: float, lambda_: float) -> dict[str, float]:
    return {
        "temperature": temperature,
        "foreground_weight": alpha,
        "background_weight": beta,
        "attention_weight": gamma,
        "relation_weight": lambda_,
    }


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": _setting(0.5, 1e-3, 5e-4, 5e-4, 5e-6),
    "gfl": _setting(0.5, 1e-3, 5e-4, 5e-4, 5e-6),
    "fcos": _setting(0.8, 1.6e-3, 8e-4, 8e-4, 8e-6),
    "faster_rcnn": _setting(0.5, 5e-5, 2.5e-5, 5e-5, 5e-7),
}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.GT})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The features; boxes only say where."""
    return frozenset({Signal.NECK})
