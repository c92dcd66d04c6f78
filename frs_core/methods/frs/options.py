"""Feature-Richness Score distillation.

Source: Du et al., "Distilling Object Detectors with Feature Richness", NeurIPS 2021, section 4.1 for
the weights of each detector.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """Weights of the two terms; None takes the published weight of the student's family."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature_weight: float | None = Field(default=None, ge=0, le=1000)
    classification_weight: float | None = Field(default=None, ge=0, le=1000)
    warmup_steps: int = Field(
        default=500, ge=0, description="Both terms grow linearly from 0 over these steps"
    )


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"feature_weight": 0.005, "classification_weight": 0.02},
    "gfl": {"feature_weight": 0.1, "classification_weight": 0.05},
    "fcos": {"feature_weight": 0.01, "classification_weight": 0.05},
    "faster_rcnn": {"feature_weight": 0.002, "classification_weight": 0.1},
}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.CLS})
