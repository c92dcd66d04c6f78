"""Fine-grained feature imitation.

Source: Wang et al., CVPR 2019, equations 1 and 2. Shapes: N images, H x W locations of a level, A anchors at
each, M boxes of an image.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from frs_core.detectors.signals import Signals
from frs_core.imitation.features import MaskedImitation
from frs_core.methods.batch import Batch, Levels
from frs_core.methods.fgfi.options import Options


def near_objects(boxes: Sequence[Tensor], anchors: Tensor, overlap: float) -> Tensor:
    """Mask (N, 1, H, W): 1 where an anchor's IoU with a box exceeds `overlap` x the box's best IoU.

    `boxes` holds one (M, 4) an image and `anchors` (H, W, A, 4) those of a level, x1 y1 x2 y2 in pixels. A
    box that no anchor of the level touches is near none of it.
    """
    height, width = anchors.shape[:2]
    flat = anchors.reshape(-1, 4)
    masks = []
    for found in boxes:
        if not len(found):
            masks.append(flat.new_zeros(1, height, width))
            continue
        shared = intersection_over_union(found.to(flat), flat)  # (M, HWA)
        near = (shared > overlap * shared.amax(dim=1, keepdim=True)).any(dim=0)
        masks.append(near.reshape(height, width, -1).any(dim=2)[None].to(flat))
    return torch.stack(masks)


def intersection_over_union(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU of each of (M, 4) with each of (K, 4), corners in pixels: (M, K)."""
    low = torch.maximum(boxes[:, None, :2], others[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    areas = [(each[:, 2:] - each[:, :2]).clamp(min=0).prod(dim=1) for each in (boxes, others)]
    whole = areas[0][:, None] + areas[1][None] - shared
    return shared / whole.clamp(min=torch.finfo(whole.dtype).eps)


class Method(MaskedImitation):
    """One term, `fgfi_feature`: lambda / (2 N_p) x squared differences at the N_p locations near objects."""

    name = "fgfi"

    def __init__(self, options: Options, levels: Levels, *, seed: int) -> None:
        super().__init__(options, levels, seed=seed)
        self._overlap = options.overlap
        self._weight /= 2

    def masks(self, student: Signals, teacher: Signals, batch: Batch) -> Sequence[Tensor]:  # noqa: ARG002
        """One near objects."""
        boxes = [sample.gt_instances.bboxes for sample in batch.data_samples]
        return [near_objects(boxes, level, self._overlap) for level in student.anchors]
