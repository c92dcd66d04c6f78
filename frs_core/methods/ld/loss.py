"""Localisation distillation.

Source: Zheng et al., CVPR 2022, equations 3 to 5. Shapes: N images, K classes, B bins of a side's
distribution, H x W locations of a level, P positive locations; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frs_core.detectors.signals import Signals
from frs_core.imitation.masked import quotient
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.ld.options import Options

SIDES = 4


def soft_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 / B x KL(teacher || student) of logits (..., B) over T, as published: the mean over the bins."""
    ours, theirs = ((each.float() / temperature).log_softmax(dim=-1) for each in (student, teacher))
    return (theirs.exp() * (theirs - ours)).mean(dim=-1) * temperature**2


def box_loss(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    scores: Sequence[Tensor],
    positives: Sequence[Tensor],
    temperature: float,
) -> Tensor:
    """Sum over levels and positive locations of the score x the mean divergence of the four sides.

    Distribution logits (N, 4B, H, W), scores (N, 1, H, W) without gradient, positives (N, 1, H, W).
    """
    terms = []
    for ours, theirs, score, positive in zip(student, teacher, scores, positives, strict=True):
        where = positive[:, 0]
        sides = [_at(level, where).reshape(-1, SIDES, level.shape[1] // SIDES) for level in (ours, theirs)]
        divergence = soft_divergence(sides[0], sides[1], temperature).mean(dim=1)  # (P,)
        terms.append((divergence * score[:, 0][where]).sum())
    return torch.stack(terms).sum()


def classification_loss(
    student: Sequence[Tensor], teacher: Sequence[Tensor], positives: Sequence[Tensor], temperature: float
) -> Tensor:
    """Sum over levels of the mean divergence of class logits (N, K, H, W) at its positive locations."""
    terms = []
    for ours, theirs, positive in zip(student, teacher, positives, strict=True):
        where = positive[:, 0]
        divergence = soft_divergence(_at(ours, where), _at(theirs, where), temperature)
        terms.append(quotient(divergence.sum(), where.sum().float()))
    return torch.stack(terms).sum()


def _at(level: Tensor, where: Tensor) -> Tensor:
    """(N, C, H, W) at the P locations where (N, H, W) is true: (P, C)."""
    return level.permute(0, 2, 3, 1)[where]


class Method(nn.Module):
    """Two terms, `ld_box` and `ld_classification`."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:  # noqa: ARG002
        super().__init__()
        self._options = options

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted terms. A location counts by the student's own highest class score, as in its loss."""
        options = self._options
        scores = [level.detach().amax(dim=1, keepdim=True).sigmoid() for level in student.cls]
        where = student.positives
        box = box_loss(student.distributions, teacher.distributions, scores, where, options.box_temperature)
        classes = classification_loss(student.cls, teacher.cls, where, options.classification_temperature)
        return {
            "ld_box": box * options.box_weight,
            "ld_classification": classes * options.classification_weight,
        }
