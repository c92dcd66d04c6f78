"""Masked generative distillation.

Source: Yang et al., ECCV 2022, equations 3 to 5. Shapes: N images, C channels of a level, H x W its
locations; lists run over levels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from frs_core.detectors.seeds import generator, seeded
from frs_core.detectors.signals import Signals
from frs_core.distributed import rank
from frs_core.imitation.adapter import adapters_where_needed
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.mgd.options import Options


def mgd_loss(generated: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """Sum over levels of the squared differences (N, C, H, W), averaged over images (equation 5)."""
    return torch.stack(
        [
            (ours.float() - theirs.float()).square().sum() / len(theirs)
            for ours, theirs in zip(generated, teacher, strict=True)
        ]
    ).sum()


def visible(level: Tensor, mask_ratio: float, draws: torch.Generator) -> Tensor:
    """Zeros where a location is hidden, as it is with probability `mask_ratio`, else ones; (N, 1, H, W)."""
    drawn = torch.rand(level[:, :1].shape, generator=draws)
    return (drawn >= mask_ratio).to(level)


class Method(nn.Module):
    """One term, `mgd_feature`. What is hidden depends on seed, step and process alone: a run can resume."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__()
        assert options.feature_weight is not None
        assert options.mask_ratio is not None
        self._weight, self._mask_ratio, self._seed = options.feature_weight, options.mask_ratio, seed
        self.adapters = adapters_where_needed(levels, seed=seed)
        with seeded(seed, "generators"):
            self.generators = nn.ModuleList(
                _generator(levels.teacher_channels) for _ in range(levels.num_levels)
            )

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The weighted term."""
        draws = generator(self._seed, "hidden", step, rank())
        hidden = [level * visible(level, self._mask_ratio, draws) for level in self.adapters(student.neck)]
        generated = [generate(level) for generate, level in zip(self.generators, hidden, strict=True)]
        return {"mgd_feature": mgd_loss(generated, teacher.neck) * self._weight}


def _generator(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, kernel_size=3, padding=1),
    )
