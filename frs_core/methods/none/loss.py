"""The baseline adds nothing to the detector's own losses."""

from torch import Tensor, nn

from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.none.options import Options


class Method(nn.Module):
    """No term, no parameter."""

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:  # noqa: ARG002
        super().__init__()

    def losses(self, student: Signals, teacher: Signals, batch: Batch, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """Nothing."""
        return {}
