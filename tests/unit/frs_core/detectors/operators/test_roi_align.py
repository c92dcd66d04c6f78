"""RoIAlign against hand-computed numbers, a plain loop over its definition and numerical gradients.

Shapes: N images, C channels, H height, W width, R regions, P x Q bins.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from frs_core.detectors.operators import roi_align as module
from frs_core.detectors.operators.roi_align import roi_align_backward, roi_align_forward

AVERAGE, MAXIMUM = 1, 0
REGIONS = [
    [0, 1.0, 1.0, 9.0, 7.0],
    [1, -6.0, -3.0, 30.0, 22.0],  # over every border
    [1, 3.2, 2.1, 3.9, 2.8],  # within one pixel
    [0, 40.0, 40.0, 50.0, 50.0],  # outside
    [0, 5.0, 5.0, 5.0, 5.0],  # a point
]


@pytest.fixture(autouse=True)
def _without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "torchvision_operators", lambda: None)


class Pool(torch.autograd.Function):
    """mmcv's calling convention."""

    @staticmethod
    def forward(ctx, features, rois, mode, geometry):  # type: ignore[no-untyped-def]
        shape = (len(rois), features.size(1), geometry["aligned_height"], geometry["aligned_width"])
        output, argmax_y, argmax_x = (features.new_zeros(shape) for _ in range(3))
        roi_align_forward(features, rois, output, argmax_y, argmax_x, pool_mode=mode, **geometry)
        ctx.save_for_backward(rois, argmax_y, argmax_x)
        ctx.shape, ctx.mode, ctx.geometry = features.shape, mode, geometry
        return output

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        result = gradient.new_zeros(ctx.shape)
        rois, y, x = ctx.saved_tensors
        roi_align_backward(gradient.contiguous(), rois, y, x, result, pool_mode=ctx.mode, **ctx.geometry)
        return result, None, None, None


def pool(features: Tensor, rois: Tensor, mode: int = AVERAGE, **geometry: object) -> Tensor:
    defaults = {
        "aligned_height": 2,
        "aligned_width": 3,
        "spatial_scale": 0.5,
        "sampling_ratio": 0,
        "aligned": True,
    }
    return Pool.apply(features, rois, mode, defaults | geometry)


def read(image: np.ndarray, y: float, x: float) -> float:
    """Bilinear interpolation in an (H, W) image by its definition."""
    height, width = image.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0.0), height - 1), min(max(x, 0.0), width - 1)
    total = 0.0
    for row, column in itertools.product(range(height), range(width)):
        total += max(0.0, 1 - abs(row - y)) * max(0.0, 1 - abs(column - x)) * image[row, column]
    return total


def by_definition(
    features: Tensor,
    rois: Tensor,
    mode: int,
    sampling_ratio: int,
    aligned: bool,
    bins: tuple[int, int],
    scale: float,
) -> Tensor:
    result = torch.zeros(len(rois), features.size(1), *bins, dtype=features.dtype)
    for r, c, p, q in itertools.product(*map(range, result.shape)):
        image = features[int(rois[r, 0]), c].numpy()
        x1, y1, x2, y2 = (rois[r, 1:] * scale - (0.5 if aligned else 0.0)).tolist()
        height, width = (y2 - y1, x2 - x1) if aligned else (max(y2 - y1, 1.0), max(x2 - x1, 1.0))
        rows = sampling_ratio or math.ceil(height / bins[0])
        columns = sampling_ratio or math.ceil(width / bins[1])
        values = [
            read(
                image,
                y1 + (p + (i + 0.5) / rows) * height / bins[0],
                x1 + (q + (j + 0.5) / columns) * width / bins[1],
            )
            for i, j in itertools.product(range(rows), range(columns))
        ]
        empty = 0.0 if mode == AVERAGE else -10000.0
        result[r, c, p, q] = (np.mean(values) if mode == AVERAGE else max(values)) if values else empty
    return result


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2, 2, 9, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_one_bin_by_hand() -> None:
    # Pixel centres are at 0.5 when aligned, so that the middle of the region is the mean of four pixels.
    image = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])
    region = torch.tensor([[0.0, 0.0, 0.0, 2.0, 2.0]])
    size = {"aligned_height": 1, "aligned_width": 1, "spatial_scale": 1.0, "sampling_ratio": 1}
    assert pool(image, region, **size).item() == 3.0
    # Unaligned, the middle is at (1, 1), which is the last pixel.
    assert pool(image, region, **size, aligned=False).item() == 6.0


def test_a_ramp_is_pooled_to_its_value_at_each_bins_centre() -> None:
    image = torch.arange(8.0).repeat(8, 1)[None, None]
    pooled = pool(image, torch.tensor([[0.0, 2.0, 2.0, 14.0, 14.0]]))  # x from 0.5 to 6.5 on the map
    torch.testing.assert_close(pooled[0, 0], torch.tensor([1.5, 3.5, 5.5]).repeat(2, 1))


@pytest.mark.parametrize("mode", [AVERAGE, MAXIMUM])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_agrees_with_the_definition(features: Tensor, mode: int, sampling_ratio: int, aligned: bool) -> None:
    rois = torch.tensor(REGIONS, dtype=torch.float64)
    ours = pool(features, rois, mode, sampling_ratio=sampling_ratio, aligned=aligned)
    expected = by_definition(features, rois, mode, sampling_ratio, aligned, (2, 3), 0.5)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("mode", [AVERAGE, MAXIMUM])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_the_gradient_is_the_numerical_one(
    features: Tensor, mode: int, sampling_ratio: int, aligned: bool
) -> None:
    rois = torch.tensor(REGIONS, dtype=torch.float64)
    geometry = {"sampling_ratio": sampling_ratio, "aligned": aligned}
    assert torch.autograd.gradcheck(lambda x: pool(x, rois, mode, **geometry), features.requires_grad_())


@pytest.mark.parametrize("mode", [AVERAGE, MAXIMUM])
def test_parts_add_up_to_the_whole(features: Tensor, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rois = torch.tensor(REGIONS * 3, dtype=torch.float64)
    features.requires_grad_()
    whole = pool(features, rois, mode)
    (gradient,) = torch.autograd.grad(whole.square().sum(), features)
    monkeypatch.setattr(module, "_POINTS_AT_ONCE", 50)
    monkeypatch.setattr(module, "_VALUES_AT_ONCE", 100)
    parts = pool(features, rois, mode)
    assert torch.equal(parts, whole)
    torch.testing.assert_close(torch.autograd.grad(parts.square().sum(), features)[0], gradient)


def test_the_first_of_equal_values_is_the_maximum() -> None:
    image = torch.ones(1, 1, 4, 4)
    rois, output = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]]), torch.zeros(1, 1, 1, 1)
    argmax_y, argmax_x = torch.zeros_like(output), torch.zeros_like(output)
    roi_align_forward(
        image,
        rois,
        output,
        argmax_y,
        argmax_x,
        pool_mode=MAXIMUM,
        aligned_height=1,
        aligned_width=1,
        spatial_scale=1.0,
        sampling_ratio=2,
        aligned=True,
    )
    assert (output.item(), argmax_y.item(), argmax_x.item()) == (1.0, 0.5, 0.5)


@pytest.mark.parametrize("mode", [AVERAGE, MAXIMUM])
def test_no_regions_give_no_output_and_no_gradient(features: Tensor, mode: int) -> None:
    features.requires_grad_()
    pooled = pool(features, torch.zeros(0, 5, dtype=torch.float64), mode)
    assert pooled.shape == (0, 2, 2, 3)
    assert not torch.autograd.grad(pooled.sum(), features)[0].any()


def test_a_region_that_is_not_a_number_pools_to_zero(features: Tensor) -> None:
    rois = torch.full((1, 5), math.nan, dtype=torch.float64)
    rois[0, 0] = 0
    assert not pool(features, rois, sampling_ratio=2).any()


def test_half_precision_is_computed_in_single(features: Tensor) -> None:
    half, rois = features.half(), torch.tensor(REGIONS)
    torch.testing.assert_close(pool(half, rois), pool(half.float(), rois).half())


@pytest.mark.torch
def test_mmcvs_layer_trains_through_it() -> None:
    from frs_core.detectors.operators import install

    install()
    from mmcv.ops import RoIAlign

    features = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    rois = torch.tensor([[0.0, 1.0, 1.0, 9.0, 7.0]], dtype=torch.float64)
    layer = RoIAlign((2, 3), spatial_scale=0.5, sampling_ratio=0)
    assert torch.autograd.gradcheck(lambda x: layer(x, rois), features)
    torch.testing.assert_close(
        layer(features, rois).detach(), by_definition(features.detach(), rois, AVERAGE, 0, True, (2, 3), 0.5)
    )
