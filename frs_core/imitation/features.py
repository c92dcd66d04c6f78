"""Imitation of the teacher's neck features under a mask, which is all that such methods differ by.

Shapes: N images, C channels of a level, H x W its locations; lists run over levels, finest first.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from frs_core.detectors.signals import Signals
from frs_core.distributed import total
from frs_core.imitation.adapter import Adapters
from frs_core.imitation.masked import masked_squared_error
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.masked import MaskedOptions, Normalisation

Scale = Literal["raw", "teacher_variance"]


def imitation_loss(
    student: Sequence[Tensor],
    teacher: Sequence[Tensor],
    masks: Sequence[Tensor],
    *,
    normalisation: Normalisation = "mask",
    scale: Scale = "raw",
) -> Tensor:
    """Sum over levels of sum(mask (teacher - student)^2) / norm; squares are summed over channels.

    Features (N, C, H, W), the student's adapted; masks (N, 1, H, W). The norm is the sum of the mask, or that
    times C. With `teacher_variance` both features are first divided by the teacher's standard deviation over
    the level of the batch. A mask of zeros, or a teacher that is constant, gives zero.
    """
    terms = []
    for ours, theirs, mask in zip(student, teacher, masks, strict=True):
        term = masked_squared_error(ours, theirs, mask)
        if normalisation == "mask_x_channels":
            term = term / theirs.shape[1]
        if scale == "teacher_variance":
            spread = variance(theirs)
            term = torch.where(spread > 0, term / spread.where(spread > 0, spread.new_ones(())), 0 * term)
        terms.append(term)
    return torch.stack(terms).sum()


def variance(level: Tensor) -> Tensor:
    """Of all numbers of a level of the batch, which several processes may share. A scalar, in float32."""
    level = level.float()
    count = total(level.new_tensor(level.numel()))
    mean = total(level.sum()) / count
    return total((level - mean).square().sum()) / count


class MaskedImitation(nn.Module, ABC):
    """A method whose one term is `imitation_loss` under `masks`; it is called `name`_feature."""

    name: str

    def __init__(self, options: MaskedOptions, levels: Levels, *, seed: int) -> None:
        super().__init__()
        assert options.feature_weight is not None
        self._options = options
        self._weight = options.feature_weight
        self._scale: Scale = "raw"
        self.adapters: nn.Module = Adapters(
            levels.student_channels,
            levels.teacher_channels,
            levels.num_levels,
            seed=seed,
            kernel=options.adapter_kernel,
        )

    @abstractmethod
    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:
        """What each location counts, (N, 1, H, W) per level, without gradient."""

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:
        """The weighted term of the given optimizer step (from 0)."""
        return self.feature_term(student, teacher, self.masks(student, teacher, batch), step)

    def feature_term(
        self, student: Signals, teacher: Signals, masks: Sequence[Tensor], step: int
    ) -> dict[str, Tensor]:
        """The same under given masks."""
        term = imitation_loss(
            self.adapters(student.neck),
            teacher.neck,
            masks,
            normalisation=self._options.normalisation,
            scale=self._scale,
        )
        return {f"{self.name}_feature": term * (self._weight * ramp(step, self._options.warmup_steps))}


def ramp(step: int, warmup_steps: int) -> float:
    """What a term counts at a step (from 0): it grows linearly from 0 to 1 over the warm-up."""
    return min(1.0, step / warmup_steps) if warmup_steps else 1.0
