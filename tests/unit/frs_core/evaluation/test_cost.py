"""Counts that can be checked by hand, and a measurement that leaves the detector as it was."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.torch

RETINANET = {
    "zoo": "retinanet/retinanet_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "stacked_convs": 1,
}
TWO_STAGE = {
    "zoo": "cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco",
    "backbone_depth": 18,
    "base_channels": 4,
    "fpn_channels": 8,
    "roi_channels": 16,
}


def _build(detector: dict[str, Any]) -> Any:
    from frs_core.detectors.builders import build_detector
    from frs_core.spec import DetectorSpec

    return build_detector(DetectorSpec.model_validate(detector), 3, seed=0)


@pytest.fixture
def sample() -> dict[str, Any]:
    import torch

    from frs_core.detectors.wall import DetDataSample

    about = {"img_id": 1, "img_shape": (60, 90), "ori_shape": (60, 90), "scale_factor": (1.0, 1.0)}
    return {
        "inputs": torch.randint(0, 256, (3, 60, 90), dtype=torch.uint8),
        "data_samples": DetDataSample(metainfo=about),
    }


def _convolutions(count: Callable[[Any, Any], None], detector: Any, image: Any) -> None:
    """Calls `count` with each convolution or linear layer that runs, and its output."""
    from torch import nn

    handles = [
        module.register_forward_hook(lambda module, _, output: count(module, output))
        for module in detector.modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
    ]
    detector.bbox_head(detector.extract_feat(image))
    for handle in handles:
        handle.remove()


def test_a_multiply_add_is_one_mac_and_two_flops(sample: dict[str, Any]) -> None:
    import torch

    from frs_core.evaluation.cost import measure_cost

    detector = _build(RETINANET)
    by_hand = []
    _convolutions(
        lambda module, output: by_hand.append(output.numel() * module.weight[0].numel()),
        detector,
        torch.zeros(1, 3, 64, 96),
    )
    cost = measure_cost(detector, sample, (90, 60))

    assert (cost.macs, cost.flops) == (sum(by_hand), 2 * sum(by_hand))
    assert cost.flops_input == (3, 64, 96)
    assert cost.flops_proposals is None


def test_the_cost_tells_how_it_was_measured_and_leaves_the_detector_in_its_mode(
    sample: dict[str, Any],
) -> None:
    import torch

    from frs_core.evaluation.cost import MIN_REPEATS, measure_cost

    detector = _build(RETINANET)
    detector.backbone.conv1.weight.requires_grad = False
    detector.train()
    weights = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    cost = measure_cost(detector, sample, (90, 60))

    assert detector.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in detector.state_dict().items())
    assert cost.params - cost.trainable_params == detector.backbone.conv1.weight.numel()
    assert cost.latency.image == (3, 60, 90)
    assert cost.latency.repeats >= MIN_REPEATS
    assert 0 < cost.latency.median_ms <= cost.latency.p95_ms
    assert cost.latency.threads == torch.get_num_threads()
    assert (cost.inference_peak_memory_bytes is None) == (cost.latency.device == "cpu")


def test_a_two_stage_detector_is_counted_at_as_many_regions_as_it_keeps() -> None:
    from frs_core.evaluation.cost import count_flops

    detector = _build(TWO_STAGE)
    most, regions = count_flops(detector, (3, 64, 96))
    detector.test_cfg.rpn.max_per_img = 10
    few, _ = count_flops(detector, (3, 64, 96))

    assert regions == 1000
    one_region = sum(
        module.weight.numel()
        for head in detector.roi_head.bbox_head
        for module in (*head.shared_fcs, head.fc_cls, head.fc_reg)
    )
    assert most - few == 990 * 2 * one_region


@pytest.mark.slow
def test_the_macs_of_retinanet_are_those_that_mmdet_publishes_as_flops() -> None:
    from frs_core.evaluation.cost import count_flops

    flops, _ = count_flops(_build({"zoo": RETINANET["zoo"]}), (3, 800, 1280))
    # mmdet's table, of 80 classes: 239.32 G; ours has 3, which takes 9 * 77 * 256 * 9 MACs a location less
    locations = sum((800 // stride) * (1280 // stride) for stride in (8, 16, 32, 64, 128))
    assert flops / 2 + locations * 9 * 77 * 256 * 9 == pytest.approx(239.32e9, rel=0.01)
