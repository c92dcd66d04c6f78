"""Channel-wise distillation.

Source: Shu et al., ICCV 2021, equations 4 to 6. Shapes: N images, C channels of a level, H x W its locations;
lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frs_core.detectors.signals import Signals
from frs_core.imitation.adapter import adapters_where_needed
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.cwd.options import Options


def cwd_loss(student: Sequence[Tensor], teacher: Sequence[Tensor], tau: float) -> Tensor:
    """Sum over levels of tau^2 / (N C) x sum over channels of KL(teacher || student).

    Each channel (N, C, H, W) is a distribution over its locations, the softmax of the values over tau.
    """
    return torch.stack(
        [_level(ours, theirs, tau) for ours, theirs in zip(student, teacher, strict=True)]
    ).sum()


def _level(student: Tensor, teacher: Tensor, tau: float) -> Tensor:
    ours, theirs = (
        (level.float().flatten(2) / tau).log_softmax(dim=2) for level in (student, teacher)
    )  # (N, C, HW)
    divergence = (theirs.exp() * (theirs - ours)).sum()
    return divergence * (tau**2 / (student.shape[0] * student.shape[1]))


class Method(nn.Module):
    """One term, `cwd_neck` or `cwd_cls`."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__()
        self._options = options
        self.adapters = adapters_where_needed(levels, seed=seed) if options.on == "neck" else nn.Identity()

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted term."""
        ours, theirs = (getattr(signals, self._options.on) for signals in (student, teacher))
        loss = cwd_loss(self.adapters(ours), theirs, self._options.temperature)
        return {f"cwd_{self._options.on}": loss * self._options.weight}
