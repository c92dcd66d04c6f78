"""Cross-head distillation: what the teacher's head makes of the student's features.

Source: Wang et al., "CrossKD: Cross-Head Knowledge Distillation for Object Detection", CVPR 2024, equations 4
to 6, and section 4.1 for the settings.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """Weights of the class and of the box term, and after how many convolutions the student's tower is left.

    None takes what was published for the student's family. With `align` the student's features first get the
    teacher's mean and deviation, channel by channel over the batch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classification_weight: float | None = Field(default=None, ge=0, le=1000)
    box_weight: float | None = Field(default=None, ge=0, le=1000)
    conv: int | None = Field(default=None, ge=1, le=16)
    align: bool = True


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"classification_weight": 1.0, "box_weight": 1.0, "conv": 3},
    "gfl": {"classification_weight": 1.0, "box_weight": 4.0, "conv": 3},
    "fcos": {"classification_weight": 0.4, "box_weight": 0.75, "conv": 2},
}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.HEAD_FEATURES, Signal.TARGETS})


def compares(options: Options) -> frozenset[Signal]:  # noqa: ARG001
    """The towers' features, and through them what the head predicts."""
    return frozenset({Signal.HEAD_FEATURES})
