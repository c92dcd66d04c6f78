"""Pearson correlation of features.

Source: Cao et al., "PKD", NeurIPS 2022, equations 4 to 6. Shapes: N images, C channels of a level, H x W its
locations; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from frs_core.detectors.signals import Signals
from frs_core.imitation.adapter import adapters_where_needed
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.pkd.options import Options

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


def pkd_loss(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Sum over levels of half the mean squared difference of standardised features (N, C, H, W).

    Which is 1 - r, r being the mean over channels of Pearson's coefficient.
    """
    return torch.stack(
        [
            mse_loss(standardised(ours), standardised(theirs)) / 2
            for ours, theirs in zip(student, teacher, strict=True)
        ]
    ).sum()


class Method(nn.Module):
    """One term, `pkd_feature`. Each of several processes standardises its own images, as published."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__()
        assert options.feature_weight is not None
        self._weight = options.feature_weight
        self.adapters = adapters_where_needed(levels, seed=seed)

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted term."""
        return {"pkd_feature": pkd_loss(self.adapters(student.neck), teacher.neck) * self._weight}
