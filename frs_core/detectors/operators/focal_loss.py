"""Sigmoid focal loss and its derivative ("Focal Loss for Dense Object Detection", equation 5).

mmdet calls this operator on CUDA. Shapes: N samples, C classes.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, *, gamma: float, alpha: float
) -> None:
    """Write the loss of every logit into `output`.

    Args:
        input: logits (N, C).
        target: class indices (N,), int64; an index outside [0, C) is background.
        weight: a factor per class (C,), applied to the rows of that class, or empty for none.
        output: (N, C), overwritten.
        gamma: exponent of the modulating factor.
        alpha: weight of the positives; the negatives weigh 1 - alpha.

    Logarithms come from the logits, so that they stay exact where the sigmoid has saturated.
    """
    logits, positive = _prepare(input, target)
    probability = logits.sigmoid()
    if_positive = -alpha * (1 - probability).pow(gamma) * logsigmoid(logits)
    if_negative = -(1 - alpha) * probability.pow(gamma) * logsigmoid(-logits)
    output.copy_(torch.where(positive, if_positive, if_negative) * _row_weight(logits, target, weight))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, *, gamma: float, alpha: float
) -> None:
    """Write the derivative of every loss by its logit into `grad_input` (N, C); else as in the forward."""
    logits, positive = _prepare(input, target)
    p = logits.sigmoid()
    if_positive = alpha * (1 - p).pow(gamma) * (gamma * p * logsigmoid(logits) - (1 - p))
    if_negative = (1 - alpha) * p.pow(gamma) * (p - gamma * (1 - p) * logsigmoid(-logits))
    grad_input.copy_(torch.where(positive, if_positive, if_negative) * _row_weight(logits, target, weight))


def _prepare(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits in at least single precision, and (N, C) true where the class is the target."""
    logits = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
    return logits, target[:, None] == torch.arange(input.size(1), device=input.device)


def _row_weight(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """(N, 1); background rows weigh 1, as mmcv defines no weight for them."""
    if weight.numel() == 0:
        return logits.new_ones(1, 1)
    known = (target >= 0) & (target < weight.numel())
    chosen = weight.to(logits.dtype)[target.clamp(0, weight.numel() - 1)]
    return torch.where(known, chosen, 1.0)[:, None]
