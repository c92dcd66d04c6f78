"""Masked generation: the student's features, partly hidden, are to bring forth the teacher's.

Source: Yang et al., "Masked Generative Distillation", ECCV 2022, equations 3 to 5, and section 4.2 for the
settings. Where the channels differ, a 1 x 1 convolution comes first, as there.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """The paper's alpha, and the share of locations that are hidden; None takes what was published."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature_weight: float | None = Field(default=None, ge=0, le=1000)
    mask_ratio: float | None = Field(default=None, ge=0, lt=1)


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"feature_weight": 2e-5, "mask_ratio": 0.65},
    "faster_rcnn": {"feature_weight": 5e-7, "mask_ratio": 0.45},
}
requires: frozenset[Signal] = frozenset({Signal.NECK})
