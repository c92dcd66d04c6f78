"""Decoupled features: foreground and background imitated apart, each with its own weight.

Source: Guo et al., "Distilling Object Detectors via Decoupled Features", CVPR 2021, equations 3 to 6. The
default weights are those of the published Faster R-CNN setting for Pascal VOC: 3 for the foreground of the
neck, 12 for its background, 2 and 2 for the positive and negative scores, at temperature 1. We found no
setting for COCO, nor one of any other family, that its authors published as such: there the weights must be
given.

The paper's head term is of the region head's class scores; ours is of the dense head's (of a two-stage
detector, its region proposal network), which every family has.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from frs_core.methods import Signal
from frs_core.methods.masked import MaskedOptions, Normalisation


class Options(MaskedOptions):
    """`feature_weight` is the foreground's. `form: full` adds the class scores, as the paper does."""

    background_weight: float | None = Field(default=None, ge=0, le=1000)
    positive_weight: float | None = Field(default=None, ge=0, le=1000)
    negative_weight: float | None = Field(default=None, ge=0, le=1000)
    temperature: float = Field(default=1.0, gt=0, le=1000)
    normalisation: Normalisation = "mask_x_channels"
    form: Literal["neck", "full"] = "neck"

    @model_validator(mode="before")
    @classmethod
    def _weigh_no_term_left_out(cls, data: Any) -> Any:
        """Without the class scores they need no weight, in families without a published one either."""
        if not isinstance(data, Mapping) or data.get("form") == "full":
            return data
        return {"positive_weight": 0.0, "negative_weight": 0.0, **data}


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "faster_rcnn": {
        "feature_weight": 3.0,
        "background_weight": 12.0,
        "positive_weight": 2.0,
        "negative_weight": 2.0,
    },
}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.GT})


def needs(options: Options) -> frozenset[Signal]:
    """The scores and their labels as well, in the full form."""
    return requires | {Signal.CLS, Signal.TARGETS} if options.form == "full" else requires


def compares(options: Options) -> frozenset[Signal]:
    """What the student is to have like the teacher."""
    neck = frozenset({Signal.NECK})
    return neck | {Signal.CLS} if options.form == "full" else neck
