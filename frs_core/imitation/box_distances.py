"""How far apart two predictions of a box are, in the form in which each detector family predicts it.

Shapes: P predictions, each of 4 sides or, of a distribution, 4 x B bins.
"""

import math

import torch
from torch import Tensor

_MAX_LOG_SCALE = math.log(1000 / 16)
_EPSILON = 1e-6


def decode_deltas(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Boxes (P, 4), x1 y1 x2 y2, of (dx, dy, dw, dh) relative to anchors (P, 4).

    Source: Girshick et al., "Rich feature hierarchies", CVPR 2014, appendix C.
    """
    size = anchors[:, 2:] - anchors[:, :2]
    centre = (anchors[:, 2:] + anchors[:, :2]) / 2 + deltas[:, :2] * size
    half = size * deltas[:, 2:].clamp(-_MAX_LOG_SCALE, _MAX_LOG_SCALE).exp() / 2
    return torch.cat([centre - half, centre + half], dim=1)


def giou_loss(ours: Tensor, theirs: Tensor) -> Tensor:
    """1 - GIoU of boxes (P, 4) in pairs: (P,). Source: Rezatofighi et al., CVPR 2019, equation 3."""
    shared = (torch.minimum(ours[:, 2:], theirs[:, 2:]) - torch.maximum(ours[:, :2], theirs[:, :2])).clamp(
        min=0
    )
    hull = torch.maximum(ours[:, 2:], theirs[:, 2:]) - torch.minimum(ours[:, :2], theirs[:, :2])
    areas = [(each[:, 2:] - each[:, :2]).prod(dim=1) for each in (ours, theirs)]
    intersection, enclosing = shared.prod(dim=1), hull.prod(dim=1).clamp(min=_EPSILON)
    union = (areas[0] + areas[1] - intersection).clamp(min=_EPSILON)
    return 1 - intersection / union + (enclosing - union) / enclosing


def iou_loss_of_sides(ours: Tensor, theirs: Tensor) -> Tensor:
    """-ln IoU of boxes given by the distances of their sides from one point, (P, 4) left top right bottom.

    Source: Yu et al., "UnitBox", ACM MM 2016, algorithm 1.
    """
    low, areas = torch.minimum(ours, theirs), []
    for sides in (low, ours, theirs):
        areas.append((sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3]))
    iou = areas[0] / (areas[1] + areas[2] - areas[0]).clamp(min=_EPSILON)
    return -iou.clamp(min=_EPSILON).log()


def side_divergence(ours: Tensor, theirs: Tensor) -> Tensor:
    """The mean over the four sides of KL(theirs || ours), of distribution logits (P, 4B): (P,)."""
    logs = [each.reshape(len(each), 4, -1).log_softmax(dim=2) for each in (ours, theirs)]
    return (logs[1].exp() * (logs[1] - logs[0])).sum(dim=2).mean(dim=1)
