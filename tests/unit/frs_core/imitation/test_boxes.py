"""Locations inside boxes, on numbers worked by hand."""

import pytest
import torch

pytestmark = pytest.mark.torch


def test_a_location_is_inside_where_its_centre_is() -> None:
    from frs_core.imitation.boxes import inside_boxes

    # Two images of 16 x 32 pixels on a level of 2 x 4: centres at x 4, 12, 20, 28 and y 4, 12.
    boxes = [torch.tensor([[0.0, 0.0, 11.9, 8.0], [19.0, 10.0, 32.0, 16.0]]), torch.zeros(0, 4)]
    mask = inside_boxes(boxes, (2, 4), (16, 32))
    assert mask.shape == (2, 1, 2, 4)
    assert mask[0, 0].tolist() == [[1, 0, 0, 0], [0, 0, 1, 1]]
    assert mask[1].sum() == 0
