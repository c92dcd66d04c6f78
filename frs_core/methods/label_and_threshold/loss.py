"""Imitation of neck features at positive locations where the teacher is sure enough too."""

from collections.abc import Sequence

from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.features import MaskedImitation
from frs_core.imitation.richness import richness
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.label_and_threshold.options import Options


class Method(MaskedImitation):
    """One term, `label_and_threshold_feature`."""

    name = "label_and_threshold"

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__(options, levels, seed=seed)
        self._threshold = options.threshold

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """One where any anchor is positive and S exceeds the threshold."""
        return [
            ((score > self._threshold) & positive.any(dim=1, keepdim=True)).float()
            for score, positive in zip(richness(teacher.cls), student.positives, strict=True)
        ]
