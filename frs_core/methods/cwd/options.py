"""Channel-wise imitation: where each channel is active, whatever its magnitude.

Source: Shu et al., "Channel-wise Knowledge Distillation for Dense Prediction", ICCV 2021, equations 4 to 6,
and its public settings for detectors: the neck's features with weight 10 and temperature 1. Where the
channels differ, a 1 x 1 convolution bridges them, as there.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from frs_core.methods import Signal


class Options(BaseModel):
    """`cls` imitates the class logits in place of the features. One weight for all families, as published."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    on: Literal["neck", "cls"] = "neck"
    weight: float = Field(default=10.0, ge=0, le=1e6)
    temperature: float = Field(default=1.0, gt=0, le=1000)


DEFAULTS: Mapping[str, Mapping[str, Any]] = {}
requires: frozenset[Signal] = frozenset({Signal.NECK})


def needs(options: Options) -> frozenset[Signal]:
    """The one signal that is imitated."""
    return frozenset({Signal(options.on)})


compares = needs
