"""Imitation of neck features inside ground-truth boxes."""

from collections.abc import Sequence

from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.boxes import inside_boxes
from frs_core.imitation.features import MaskedImitation
from frs_core.methods.batch import Batch


class Method(MaskedImitation):
    """One term, `gt_box_feature`."""

    name = "gt_box"

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """One where a location's centre lies in a box of its image."""
        boxes = [sample.gt_instances.bboxes for sample in batch.data_samples]
        return [
            inside_boxes(boxes, (level.shape[-2], level.shape[-1]), batch.input_shape)
            for level in teacher.neck
        ]
