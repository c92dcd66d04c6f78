"""Imitation of the whole feature map. Source: Romero et al., "FitNets", ICLR 2015, equation 3."""

from collections.abc import Sequence

from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.features import MaskedImitation
from frs_core.methods.batch import Batch


class Method(MaskedImitation):
    """One term, `fitnet_feature`."""

    name = "fitnet"

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """Ones (N, 1, H, W) per level."""
        return [level.new_ones(level[:, :1].shape) for level in teacher.neck]
