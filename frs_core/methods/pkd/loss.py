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
from frs_core.imitation.channels import standardised
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.pkd.options import Options


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
