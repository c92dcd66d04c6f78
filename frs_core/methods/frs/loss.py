"""Feature-Richness Score distillation.

Source: Du et al., "Distilling Object Detectors with Feature Richness", NeurIPS 2021, equations 2 to 6.
Shapes: N images, C channels of a level, H x W its locations, A anchors, K classes; lists run over
levels, finest first.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from frs_core.detectors.signals import Signals
from frs_core.imitation.boxes import inside_boxes
from frs_core.imitation.features import MaskedImitation, imitation_loss, ramp
from frs_core.imitation.masked import masked_mean, masked_squared_error, quotient
from frs_core.imitation.richness import richness
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.frs.options import Options

LOW_SCORE = 0.05

__all__ = ["LOW_SCORE", "Method", "classification_loss", "feature_loss", "richness"]


def feature_loss(student: Sequence[Tensor], teacher: Sequence[Tensor], richness: Sequence[Tensor]) -> Tensor:
    """Sum over levels of sum(S (teacher - student)^2) / sum(S); features (N, C, H, W), student's adapted."""
    return imitation_loss(student, teacher, richness)


def classification_loss(
    student_logits: Sequence[Tensor], teacher_logits: Sequence[Tensor], richness: Sequence[Tensor]
) -> Tensor:
    """Sum over levels of sum(S BCE(student, sigmoid(teacher))) / sum(S), from logits (N, A*K, H, W)."""
    return torch.stack(
        [
            masked_mean(
                binary_cross_entropy_with_logits(
                    student.float(), teacher.float().sigmoid(), reduction="none"
                ),
                mask,
            )
            for student, teacher, mask in zip(student_logits, teacher_logits, richness, strict=True)
        ]
    ).sum()


class Method(MaskedImitation):
    """Both terms, each with its weight, growing linearly over the warm-up."""

    name = "frs"

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__(options, levels, seed=seed)
        assert options.classification_weight is not None
        self._classification_weight = options.classification_weight
        self._terms = options.terms
        self._scale = options.scale
        if "feature" not in options.terms:
            self.adapters = nn.ModuleList()  # nothing would train them

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> list[Tensor]:  # noqa: ARG002
        """S."""
        return richness(teacher.cls, teacher.centerness)

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """`frs_feature` and `frs_classification`, scalars, of the given optimizer step (from 0)."""
        scores = self.masks(student, teacher, batch)
        terms = {}
        if "feature" in self._terms:
            terms = self.feature_term(student, teacher, scores, step)
        if "classification" in self._terms:
            classification = classification_loss(student.cls, teacher.cls, scores)
            part = ramp(step, self._options.warmup_steps)
            terms["frs_classification"] = classification * (self._classification_weight * part)
        return terms

    @torch.no_grad()
    def diagnostics(self, student: Signals, teacher: Signals, batch: Batch) -> dict[str, Tensor]:
        """Per level: what S looks like and how far the features are apart. No part of the loss.

        The mean of S, the shares of it inside ground-truth boxes and from locations where it is below
        0.05, and the features' squared error under S with the adapter and, where the channels agree,
        without it.
        """
        boxes = [sample.gt_instances.bboxes for sample in batch.data_samples]
        adapted = self.adapters(student.neck) if "feature" in self._terms else ()
        found = {}
        for level, score in enumerate(richness(teacher.cls, teacher.centerness)):
            height, width = score.shape[-2:]
            inside = inside_boxes(boxes, (height, width), batch.input_shape)
            total = score.sum()
            found[f"frs/mean_score/level_{level}"] = quotient(total, total.new_tensor(score.numel()))
            found[f"frs/score_in_boxes/level_{level}"] = quotient((score * inside).sum(), total)
            found[f"frs/score_from_low/level_{level}"] = quotient(score[score < LOW_SCORE].sum(), total)
            features, target = student.neck[level], teacher.neck[level]
            if adapted:
                error = masked_squared_error(adapted[level], target, score)
                found[f"frs/feature_error/level_{level}"] = error
            if features.shape == target.shape:
                error = masked_squared_error(features, target, score)
                found[f"frs/feature_error_unadapted/level_{level}"] = error
        return found
