"""The options that all methods share which imitate neck features under a mask."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Normalisation = Literal["mask", "mask_x_channels"]


class MaskedOptions(BaseModel):
    """Of a term: weight x sum over levels of sum(mask x (teacher - adapter(student))^2) / norm.

    `normalisation` is that norm: the sum of the mask, or that times the channels, which makes the term a
    mean over channels instead of their sum. A weight of None takes the default of the student's family.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    feature_weight: float | None = Field(default=None, ge=0, le=1000)
    normalisation: Normalisation = "mask"
    warmup_steps: int = Field(default=0, ge=0, description="The terms grow linearly from 0 over these steps")
    adapter_kernel: Literal[1, 3] = Field(
        default=3, description="Of the convolution on the student's features"
    )


LIKE_FRS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"feature_weight": 0.005},
    "gfl": {"feature_weight": 0.1},
    "fcos": {"feature_weight": 0.01},
    "faster_rcnn": {"feature_weight": 0.002},
}
"""FRS's published weights of its feature term: ours for methods that differ from it by the mask alone."""
