"""Imitation of neck features at positive locations where the teacher is sure enough too."""

from collections.abc import Sequence

from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.methods.batch import Batch
from frs_core.methods.teacher_threshold.loss import Method as TeacherThreshold


class Method(TeacherThreshold):
    """One term, `label_and_threshold_feature`."""

    name = "label_and_threshold"

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:
        """One where any anchor is positive and S exceeds the threshold."""
        sure = super().masks(student, teacher, batch)
        return [
            mask * positive.any(dim=1, keepdim=True)
            for mask, positive in zip(sure, student.positives, strict=True)
        ]
