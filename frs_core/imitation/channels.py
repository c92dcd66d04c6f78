"""Features channel by channel: their mean and deviation over a batch.

Shapes: N images, C channels of a level, H x W its locations.
"""

from torch import Tensor

_EPSILON = 1e-6


def standardised(level: Tensor) -> Tensor:
    """Each channel with mean 0 and deviation 1 over images and locations, (N, C, H, W), in float32.

    A channel that is constant gives zeros, with zero gradient.
    """
    level = level.float()
    axes, count = (0, 2, 3), level.numel() // level.shape[1]
    centred = level - level.mean(dim=axes, keepdim=True)
    variance = centred.square().sum(dim=axes, keepdim=True) / max(1, count - 1)
    varies = variance > 0
    deviation = variance.where(varies, variance.new_ones(())).sqrt()
    return (centred / (deviation + _EPSILON)).where(varies, centred.new_zeros(()))


def aligned(student: Tensor, teacher: Tensor) -> Tensor:
    """The student's features with the teacher's mean and deviation, by channel; both (N, C, H, W)."""
    axes = (0, 2, 3)
    count = teacher.numel() // teacher.shape[1]
    deviation = teacher.std(dim=axes, keepdim=True, correction=min(1, count - 1))
    return standardised(student) * deviation + teacher.mean(dim=axes, keepdim=True)
