"""A weighted average over locations, the form that all mask-based imitation takes.

Shapes: N images, C channels, H x W locations.
"""

from torch import Tensor
from torch.nn.functional import mse_loss

from frs_core.distributed import total, world_size


def masked_mean(error: Tensor, mask: Tensor) -> Tensor:
    """Sum over channels of `error` (N, C, H, W), averaged over locations weighted by `mask` (N, 1, H, W).

    In float32 whatever the inputs are. A mask of zeros gives zero, with zero gradient.
    """
    mask = mask.float()
    per_location = error.float().sum(dim=1, keepdim=True)  # so that no product of the full size is made
    return quotient((per_location * mask).sum(), mask.sum())


def masked_squared_error(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """`masked_mean` of the squared difference of two feature maps (N, C, H, W)."""
    return masked_mean(mse_loss(student.float(), teacher.float(), reduction="none"), mask)


def quotient(part: Tensor, whole: Tensor) -> Tensor:
    """`part` / `whole`, two scalars; zero, with zero gradient, where the whole is.

    Where several processes share the batch, the whole is that of the batch, and the part is counted as often
    as there are processes: so the mean over the processes, of the values as of the gradients, is that of the
    whole batch.
    """
    whole = total(whole)
    quotient = part / whole.where(whole > 0, whole.new_ones(()))
    return quotient * world_size() if world_size() > 1 else quotient
