"""Non-maximum suppression against hand-computed overlaps and the plain greedy loop."""

import numpy as np
import pytest
import torch
from torch import Tensor

from frs_core.detectors.operators import nms as module
from frs_core.detectors.operators.nms import nms


@pytest.fixture(autouse=True)
def _without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "torchvision_operators", lambda: None)


def greedy(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> list[int]:
    """The definition, one pair at a time, in single precision."""
    one, zero = np.float32(offset), np.float32(0)
    corners, kept = boxes.numpy(), []
    for index in sorted(range(len(scores)), key=lambda i: -scores[i].item()):
        for better in kept:
            a, b = corners[index], corners[better]
            width = max(zero, min(a[2], b[2]) - max(a[0], b[0]) + one)
            height = max(zero, min(a[3], b[3]) - max(a[1], b[1]) + one)
            areas = [(c[2] - c[0] + one) * (c[3] - c[1] + one) for c in (b, a)]
            if width * height / (areas[0] + areas[1] - width * height) > np.float32(threshold):
                break
        else:
            kept.append(index)
    return kept


def random_boxes(seed: int, count: int, size: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 100
    return torch.cat((corners, corners + torch.rand(count, 2, generator=generator) * size + 1), dim=1)


def test_a_box_is_dropped_only_above_the_threshold() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
    scores = torch.tensor([0.9, 0.8, 0.95])  # the first two have an IoU of exactly 1/2
    assert nms(boxes, scores, 0.5, 0).tolist() == [2, 0, 1]
    assert nms(boxes, scores, 0.499, 0).tolist() == [2, 0]


def test_the_threshold_is_compared_in_single_precision() -> None:
    # IoU is 3/5. In single precision that is greater than 0.6 in double precision.
    boxes = torch.tensor([[0.0, 0.0, 5.0, 1.0], [0.0, 0.0, 3.0, 1.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8]), 0.6, 0).tolist() == [0, 1]


def test_the_offset_widens_every_box() -> None:
    # As pixels 0..1 and 1..2 they share one column of two: IoU 2 / 6. As coordinates they only touch.
    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.3, 1).tolist() == [0]
    assert nms(boxes, scores, 0.3, 0).tolist() == [0, 1]


def test_a_dropped_box_drops_nothing() -> None:
    boxes = torch.tensor([[0.0, 0.0, 10.0, 1.0], [4.0, 0.0, 14.0, 1.0], [8.0, 0.0, 18.0, 1.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.4, 0).tolist() == [0, 2]


def test_equal_scores_keep_the_order_of_the_input() -> None:
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0]]).repeat(4, 1) + torch.tensor([[0.0], [9.0], [0.0], [9.0]])
    assert nms(boxes, torch.full((4,), 0.5), 0.5, 0).tolist() == [0, 1]


def test_boxes_without_area_drop_nothing() -> None:
    boxes = torch.zeros(3, 4)
    assert nms(boxes, torch.tensor([0.1, 0.3, 0.2]), 0.5, 0).tolist() == [1, 2, 0]


def test_no_boxes_give_no_indices() -> None:
    kept = nms(torch.zeros(0, 4), torch.zeros(0), 0.5, 0)
    assert kept.shape == (0,)
    assert kept.dtype == torch.long


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("size", [5.0, 60.0])
def test_many_boxes_agree_with_the_plain_loop(size: float, offset: int) -> None:
    boxes = random_boxes(3, 700, size)
    scores = (torch.rand(700, generator=torch.Generator().manual_seed(4)) * 20).round() / 20  # many ties
    assert nms(boxes, scores, 0.5, offset).tolist() == greedy(boxes, scores, 0.5, offset)


def test_half_precision_is_settled_in_single() -> None:
    boxes, scores = random_boxes(5, 300, 40.0).half(), torch.rand(300).half()
    expected = greedy(boxes.float(), scores.float(), 0.6, 0)
    assert nms(boxes, scores, 0.6, 0).tolist() == expected
