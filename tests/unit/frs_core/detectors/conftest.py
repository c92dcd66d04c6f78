"""A batch of one image, as the training makes them."""

from typing import Any

import pytest


@pytest.fixture
def one_image() -> dict[str, Any]:
    """64 x 64 pixels with one box of class 1, raw."""
    import torch
    from mmengine.structures import InstanceData

    from frs_core.detectors.wall import DetDataSample

    size = (64, 64)
    shapes = {"img_shape": size, "ori_shape": size, "pad_shape": size, "batch_input_shape": size}
    sample = DetDataSample(metainfo={**shapes, "scale_factor": (1.0, 1.0), "img_id": 1})
    sample.gt_instances = InstanceData(bboxes=torch.tensor([[8.0, 8, 40, 40]]), labels=torch.tensor([1]))
    pixels = torch.randint(0, 255, (3, *size), generator=torch.Generator().manual_seed(0))
    return {"inputs": [pixels.to(torch.uint8)], "data_samples": [sample]}
