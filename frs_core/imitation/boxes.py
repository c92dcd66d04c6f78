"""Where ground-truth boxes lie on the locations of a pyramid level."""

from collections.abc import Sequence

import torch
from torch import Tensor


def inside_boxes(boxes: Sequence[Tensor], size: tuple[int, int], input_shape: tuple[int, int]) -> Tensor:
    """Mask (N, 1, H, W): 1 where a location's centre lies in one of its image's boxes, else 0.

    `boxes` holds one (M, 4) tensor an image, x1 y1 x2 y2 in pixels of the input (height, width); `size`
    is (H, W) of the level. An image without boxes gives zeros.
    """
    height, width = size
    device = boxes[0].device
    y = (torch.arange(height, device=device) + 0.5) * (input_shape[0] / height)
    x = (torch.arange(width, device=device) + 0.5) * (input_shape[1] / width)
    masks = []
    for found in boxes:
        x1, y1, x2, y2 = found[:, :, None, None].unbind(dim=1)  # (M, 1, 1) each
        inside = (x1 <= x) & (x <= x2) & (y1 <= y[:, None]) & (y[:, None] <= y2)  # (M, H, W)
        masks.append(inside.any(dim=0))
    return torch.stack(masks)[:, None].float()
