"""Imitation of neck features where the teacher is sure enough of an object."""

from collections.abc import Sequence

from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.features import MaskedImitation
from frs_core.imitation.richness import richness
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.teacher_threshold.options import Options


class Method(MaskedImitation):
    """One term, `teacher_threshold_feature`."""

    name = "teacher_threshold"

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__(options, levels, seed=seed)
        self._threshold = options.threshold

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """One where S exceeds the threshold."""
        return [(score > self._threshold).float() for score in richness(teacher.cls)]
