"""Feature-Richness Score distillation.

Source: Du et al., "Distilling Object Detectors with Feature Richness", NeurIPS 2021, section 4.1 for
the weights of each detector.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from frs_core.methods import Signal
from frs_core.methods.masked import MaskedOptions

Term = Literal["feature", "classification"]


class Options(MaskedOptions):
    """Weights of the two terms; None takes the published weight of the student's family.

    `scale` is ours: with `teacher_variance` one feature weight serves teachers of any feature scale.
    `terms` leaves one out: the paper's own ablation. `score` is what richness is made of: the class
    probability, as in the paper's equation 2 and hence the default, or for FCOS its product with the
    centerness, which the detector itself ranks boxes by; the authors' code holds both.
    """

    classification_weight: float | None = Field(default=None, ge=0, le=1000)
    warmup_steps: int = Field(
        default=500, ge=0, description="Both terms grow linearly from 0 over these steps"
    )
    terms: tuple[Term, ...] = Field(default=("feature", "classification"), min_length=1, max_length=2)
    score: Literal["cls", "cls_x_centerness"] = "cls"
    scale: Literal["raw", "teacher_variance"] = Field(
        default="raw",
        description="Ours, not the paper's: features divided by the teacher's standard deviation per level",
    )

    @model_validator(mode="before")
    @classmethod
    def _weigh_no_term_left_out(cls, data: Any) -> Any:
        """A term that is left out needs no weight, in families without a published one either."""
        if not isinstance(data, Mapping) or not isinstance(data.get("terms"), Sequence):
            return data
        left_out = {f"{term}_weight": 0.0 for term in get_args(Term) if term not in data["terms"]}
        return {**left_out, **data}

    @field_validator("terms")
    @classmethod
    def _terms_differ(cls, value: tuple[Term, ...]) -> tuple[Term, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a term is named twice")
        return value


DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "retinanet": {"feature_weight": 0.005, "classification_weight": 0.02},
    "gfl": {"feature_weight": 0.1, "classification_weight": 0.05},
    "fcos": {"feature_weight": 0.01, "classification_weight": 0.05},
    "faster_rcnn": {"feature_weight": 0.002, "classification_weight": 0.1},
}
requires: frozenset[Signal] = frozenset({Signal.NECK, Signal.CLS})


_COMPARED: Mapping[Term, Signal] = {"feature": Signal.NECK, "classification": Signal.CLS}


def compares(options: Options) -> frozenset[Signal]:
    """What the student is to have like the teacher under these options."""
    return frozenset(_COMPARED[term] for term in options.terms)


def needs(options: Options) -> frozenset[Signal]:
    """What is read of the detectors under these options. The class scores make S, whatever the terms."""
    return requires | {Signal.CENTERNESS} if options.score == "cls_x_centerness" else requires
