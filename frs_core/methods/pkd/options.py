"""Imitation of neck features up to each channel's mean and scale: their Pearson correlation.

Source: Cao et al., "PKD: General Distillation Framework for Object Detectors via Pearson Correlation
Coefficient", NeurIPS 2022, equations 4 to 6, and section 4 for the weights. Where the channels differ, a
1 x 1 convolution bridges them, as there.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """The weight of the one term; None takes the published weight of the student's family."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature_weight: float | None = Field(default=None, ge=0, le=1e6)


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"feature_weight": 10.0},
    "faster_rcnn": {"feature_weight": 6.0},
}
requires: frozenset[Signal] = frozenset({Signal.NECK})
