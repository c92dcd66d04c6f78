"""Greedy non-maximum suppression, with the results of mmcv's compiled operator.

Shapes: N boxes, M of them live in one block.
"""

import torch
from torch import Tensor

from frs_core.detectors.operators.native import torchvision_operators

_BLOCK = 256


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices (int64, best score first) of the boxes that no better kept box overlaps too much.

    Args:
        boxes: (N, 4) as x1, y1, x2, y2.
        scores: (N,). Equal scores keep the order of the input.
        iou_threshold: a box is dropped where its IoU with a kept one is strictly greater. Compared in single
            precision, as the compiled operator does.
        offset: 0 or 1, added to every width and height.
    """
    if boxes.numel() == 0:
        return torch.empty(0, dtype=torch.long, device=boxes.device)
    if boxes.dtype in (torch.float16, torch.bfloat16):
        boxes, scores = boxes.float(), scores.float()
    threshold = float(torch.tensor(iou_threshold, dtype=torch.float32))
    native = torchvision_operators()
    if native is not None and offset == 0:
        return native.nms(boxes, scores.to(boxes.dtype), threshold)  # type: ignore[no-any-return]
    return _greedy(boxes, scores, threshold, offset)


def _greedy(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> Tensor:
    """Settle the best block of boxes, drop what it suppresses, and go on with the rest."""
    waiting = torch.argsort(scores, descending=True, stable=True)
    kept = []
    while waiting.numel():
        block, waiting = waiting[:_BLOCK], waiting[_BLOCK:]
        winners = block[_settle(_iou(boxes[block], boxes[block], offset) > threshold)]
        kept.append(winners)
        suppressed = (_iou(boxes[waiting], boxes[winners], offset) > threshold).any(dim=1)
        waiting = waiting[~suppressed]
    return torch.cat(kept)


def _settle(overlaps: Tensor) -> Tensor:
    """Which boxes of a block live, (M,) bool; `overlaps` is (M, M) with the best box first.

    A box lives if no living box before it overlaps it. Applying that sentence to a guess corrects at least
    one more box from the front each time, so its only fixed point is the greedy answer.
    """
    overlaps = overlaps.triu(diagonal=1)
    alive = torch.ones(len(overlaps), dtype=torch.bool, device=overlaps.device)
    while True:
        corrected = ~(overlaps & alive[:, None]).any(dim=0)
        if torch.equal(corrected, alive):
            return alive
        alive = corrected


def _iou(first: Tensor, second: Tensor, offset: int) -> Tensor:
    """Pairwise IoU, (len(first), len(second)); NaN, which exceeds nothing, between boxes of no area."""
    width, height = (_overlap(first, second, axis, offset) for axis in (0, 1))
    intersection = width.mul_(height)
    return intersection / (_area(first, offset)[:, None] + _area(second, offset)).sub_(intersection)


def _overlap(first: Tensor, second: Tensor, axis: int, offset: int) -> Tensor:
    """Length that pairs of boxes share along x (0) or y (1)."""
    low = torch.maximum(first[:, axis, None], second[:, axis])
    high = torch.minimum(first[:, axis + 2, None], second[:, axis + 2])
    return high.sub_(low).add_(offset).clamp_(min=0)


def _area(boxes: Tensor, offset: int) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
