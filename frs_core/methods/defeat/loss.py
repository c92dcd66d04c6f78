"""Decoupled features.

Source: Guo et al., CVPR 2021, equations 3 to 6. Shapes: N images, A anchors, K classes, H x W locations of a
level; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from frs_core.detectors.signals import Signals
from frs_core.imitation.boxes import inside_boxes
from frs_core.imitation.features import MaskedImitation, imitation_loss, ramp
from frs_core.imitation.masked import quotient
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.defeat.options import Options


def score_losses(
    student: Sequence[Tensor], teacher: Sequence[Tensor], positives: Sequence[Tensor], temperature: float
) -> tuple[Tensor, Tensor]:
    """T^2 x cross-entropy to the teacher's softened scores, averaged over positive and over other anchors.

    Logits (N, A*K, H, W), positives (N, A, H, W); summed over classes; the averages are over all levels.
    """
    sums, counts = [], []
    for ours, theirs, positive in zip(student, teacher, positives, strict=True):
        error = binary_cross_entropy_with_logits(
            ours.float() / temperature, (theirs.float() / temperature).sigmoid(), reduction="none"
        )
        per_anchor = error.reshape(len(error), positive.shape[1], -1, *error.shape[-2:]).sum(dim=2)
        masks = torch.stack([positive, ~positive]).float()  # (2, N, A, H, W)
        sums.append((per_anchor * masks).flatten(1).sum(dim=1))
        counts.append(masks.flatten(1).sum(dim=1))
    part, whole = torch.stack(sums).sum(dim=0), torch.stack(counts).sum(dim=0)
    found = [quotient(part[side], whole[side]) * temperature**2 for side in (0, 1)]
    return found[0], found[1]


class Method(MaskedImitation):
    """`defeat_foreground`, `defeat_background`; in the full form `defeat_positive`, `defeat_negative` too."""

    name = "defeat"

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__(options, levels, seed=seed)
        self._weights = options

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """One inside boxes."""
        boxes = [sample.gt_instances.bboxes for sample in batch.data_samples]
        return [
            inside_boxes(boxes, (level.shape[-2], level.shape[-1]), batch.input_shape)
            for level in teacher.neck
        ]

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """The weighted terms of the given step (from 0). Of the features half of each mean, as published."""
        options = self._weights
        part, terms = ramp(step, options.warmup_steps), {}
        inside = self.masks(student, teacher, batch)
        adapted = self.adapters(student.neck)
        halves = {"foreground": inside, "background": [1 - mask for mask in inside]}
        weights = {"foreground": options.feature_weight, "background": options.background_weight}
        for half, masks in halves.items():
            term = imitation_loss(adapted, teacher.neck, masks, normalisation=options.normalisation)
            terms[f"defeat_{half}"] = term * ((weights[half] or 0.0) * part / 2)
        if options.form == "full":
            losses = score_losses(student.cls, teacher.cls, student.positives, options.temperature)
            terms["defeat_positive"] = losses[0] * ((options.positive_weight or 0.0) * part)
            terms["defeat_negative"] = losses[1] * ((options.negative_weight or 0.0) * part)
        return terms
