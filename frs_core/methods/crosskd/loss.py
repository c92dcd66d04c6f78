"""Cross-head distillation.

Source: Wang et al., CVPR 2024, equations 4 to 6. Shapes: N images, A anchors, K classes, B numbers of a box,
H x W locations of a level; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from frs_core.detectors.signals import Signals
from frs_core.imitation.box_distances import (
    decode_deltas,
    giou_loss,
    iou_loss_of_sides,
    side_divergence,
)
from frs_core.imitation.channels import aligned
from frs_core.imitation.masked import quotient
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.crosskd.options import Options


def classification_loss(cross: Sequence[Tensor], teacher: Sequence[Tensor], num_positives: Tensor) -> Tensor:
    """Sum of |s - p| BCE(p, s) over all anchors and classes, s the teacher's score, p that of the cross head.

    The quality focal loss (Li et al., NeurIPS 2020, equation 7) with beta 1, over the number of positives,
    which counts as one where there is none. Logits (N, A*K, H, W).
    """
    terms = []
    for ours, theirs in zip(cross, teacher, strict=True):
        target = theirs.sigmoid()
        error = binary_cross_entropy_with_logits(ours, target, reduction="none")
        terms.append((error * (target - ours.sigmoid()).abs()).sum())
    return quotient(torch.stack(terms).sum(), num_positives.clamp(min=1))


def box_loss(
    cross: Sequence[Tensor],
    teacher: Sequence[Tensor],
    scores: Sequence[Tensor],
    anchors: Sequence[Tensor],
    family: str,
) -> Tensor:
    """The mean distance of the boxes (N, A*B, H, W), each weighted by the teacher's score (N, A, H, W).

    GIoU of decoded boxes for anchors with deltas, -ln IoU for distances from points, KL for distributions.
    """
    parts, wholes = [], []
    for level, (ours, theirs, score) in enumerate(zip(cross, teacher, scores, strict=True)):
        num_anchors = score.shape[1]
        boxes = [_by_anchor(each, num_anchors) for each in (ours, theirs)]
        weight = score.permute(0, 2, 3, 1).reshape(-1)
        if family == "retinanet":
            own = anchors[level].reshape(1, -1, 4).expand(len(score), -1, -1).reshape(-1, 4)
            distance = giou_loss(*(decode_deltas(each, own) for each in boxes))
        else:
            distance = (iou_loss_of_sides if family == "fcos" else side_divergence)(boxes[0], boxes[1])
        parts.append((distance * weight).sum())
        wholes.append(weight.sum())
    return quotient(torch.stack(parts).sum(), torch.stack(wholes).sum())


def _by_anchor(level: Tensor, num_anchors: int) -> Tensor:
    """(N, A*B, H, W) to (N*H*W*A, B)."""
    return level.permute(0, 2, 3, 1).reshape(-1, level.shape[1] // num_anchors)


class Method(nn.Module):
    """Two terms, `crosskd_classification` and `crosskd_box`."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:  # noqa: ARG002
        super().__init__()
        self._options = options
        self._family = levels.family

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted terms."""
        options, head = self._options, teacher.head
        assert head is not None
        assert student.towers is not None
        assert options.conv is not None
        with torch.no_grad():
            theirs = head.features(teacher.neck, options.conv)
            logits, boxes = head.predictions(theirs, options.conv)
        ours = (student.towers.cls[options.conv - 1], student.towers.bbox[options.conv - 1])
        crossing = (self._aligned(ours[0], theirs[0]), self._aligned(ours[1], theirs[1]))
        cross_logits, cross_boxes = head.predictions(crossing, options.conv)
        positives = torch.stack([level.sum() for level in student.positives]).sum().float()
        scores = [
            level.sigmoid().reshape(len(level), where.shape[1], -1, *level.shape[-2:]).amax(dim=2)
            for level, where in zip(logits, student.positives, strict=True)
        ]
        classes = classification_loss(cross_logits, logits, positives)
        box = box_loss(cross_boxes, boxes, scores, student.anchors, self._family)
        return {
            "crosskd_classification": classes * (options.classification_weight or 0.0),
            "crosskd_box": box * (options.box_weight or 0.0),
        }

    def _aligned(self, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> list[Tensor]:
        if not self._options.align:
            return list(student)
        return [aligned(ours, theirs) for ours, theirs in zip(student, teacher, strict=True)]
