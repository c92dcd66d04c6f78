"""A weighted average over locations, the form that all mask-based imitation takes.

Shapes: N images, C channels, H x W locations.
"""

from torch import Tensor


def masked_mean(error: Tensor, mask: Tensor) -> Tensor:
    """Sum over channels of `error` (N, C, H, W), averaged over locations weighted by `mask` (N, 1, H, W).

    In float32 whatever the inputs are. A mask of zeros gives zero, with zero gradient.
    """
    error, mask = error.float(), mask.float()
    total = mask.sum()
    return (error * mask).sum() / total.where(total > 0, total.new_ones(()))


def masked_squared_error(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """`masked_mean` of the squared difference of two feature maps (N, C, H, W)."""
    return masked_mean((teacher.float() - student.float()).square(), mask)
