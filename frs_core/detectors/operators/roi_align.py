"""RoIAlign ("Mask R-CNN", section 3), with the results of mmcv's compiled operator.

Pooling is a product with a sparse matrix, from pixels to bins; its gradient one with that matrix transposed.

Shapes: N images, C channels, H height, W width, R regions, P pooled height, Q pooled width, S points.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from frs_core.detectors.operators.native import torchvision_operators
from frs_core.detectors.operators.roi_sampling import (
    Geometry,
    SamplingPoints,
    bilinear,
    region_parts,
    sampling_points,
)

_MAX_POOL = 0
_POINTS_AT_ONCE = 1 << 20  # about a hundred megabytes of indices and weights
_VALUES_AT_ONCE = 1 << 25


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    *,
    pool_mode: int,
    **geometry: Any,
) -> None:
    """Pool each region of `input` to a fixed size.

    Args:
        input: (N, C, H, W).
        rois: (R, 5) as image index, x1, y1, x2, y2 in image pixels.
        output: (R, C, P, Q), overwritten.
        argmax_y, argmax_x: when pooling by maximum, of output's shape and overwritten with the place of each
            maximum (-1 where a bin has no point); ignored otherwise.
        pool_mode: 0 for the maximum over a bin's points, 1 for their mean.
        geometry: the fields of `Geometry`.
    """
    shape = Geometry(**geometry)
    features = _computable(input)
    regions = rois.to(features.dtype)
    if pool_mode == _MAX_POOL:
        _forward_maximum(features, regions, shape, output, (argmax_y, argmax_x))
    elif torchvision_operators() is not None:
        pooled = torch.ops.torchvision.roi_align(
            features,
            regions,
            shape.spatial_scale,
            shape.aligned_height,
            shape.aligned_width,
            shape.sampling_ratio,
            shape.aligned,
        )
        output.copy_(pooled)
    else:
        _forward_mean(features, regions, shape, output)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    *,
    pool_mode: int,
    **geometry: Any,
) -> None:
    """Add the gradient by `input` to `grad_input` (N, C, H, W); `grad_output` is (R, C, P, Q)."""
    shape = Geometry(**geometry)
    gradient = _computable(grad_output)
    regions = rois.to(gradient.dtype)
    if pool_mode == _MAX_POOL:
        _backward_maximum(gradient, regions, (argmax_y, argmax_x), grad_input)
    elif torchvision_operators() is not None and not torch.are_deterministic_algorithms_enabled():
        # Left out of deterministic runs: on CUDA it adds up in no fixed order.
        grad_input += torch.ops.torchvision._roi_align_backward(
            gradient,
            regions,
            shape.spatial_scale,
            shape.aligned_height,
            shape.aligned_width,
            *grad_input.shape,
            shape.sampling_ratio,
            shape.aligned,
        )
    else:
        _backward_mean(gradient, regions, shape, grad_input)


def _forward_mean(features: Tensor, rois: Tensor, geometry: Geometry, output: Tensor) -> None:
    values = _pixel_rows(features)
    for part in region_parts(rois, geometry, _POINTS_AT_ONCE):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, features.shape)
        bins = points.bin.repeat_interleave(4)
        pooled = _weighted_sum(values, bins, pixels, weights * points.share[:, None], points.num_bins)
        output[part] = _bins_to_map(pooled, output[part].shape)


def _backward_mean(gradient: Tensor, rois: Tensor, geometry: Geometry, grad_input: Tensor) -> None:
    num, channels, height, width = grad_input.shape
    for part in region_parts(rois, geometry, _POINTS_AT_ONCE):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, grad_input.shape)
        order = pixels.argsort(stable=True)
        total = _weighted_sum(
            _pixel_rows(gradient[part]),
            pixels[order],
            points.bin.repeat_interleave(4)[order],
            (weights * points.share[:, None]).flatten()[order],
            num * height * width,
        )
        grad_input += total.view(num, height, width, channels).permute(0, 3, 1, 2)


def _forward_maximum(
    features: Tensor, rois: Tensor, geometry: Geometry, output: Tensor, argmax: tuple[Tensor, Tensor]
) -> None:
    values = _pixel_rows(features)
    for part in region_parts(rois, geometry, max(1, _VALUES_AT_ONCE // features.size(1))):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, features.shape)
        number = torch.arange(len(points.y), device=features.device).repeat_interleave(4)
        maxima, winners = _segment_maximum(
            _weighted_sum(values, number, pixels, weights, len(points.y)), points
        )
        shape = output[part].shape
        output[part] = _bins_to_map(maxima, shape)
        for place, coordinate in zip(argmax, (points.y, points.x), strict=True):
            # The element past the last point answers for bins that have none.
            place[part] = _bins_to_map(torch.cat((coordinate, coordinate.new_tensor([-1.0])))[winners], shape)


def _segment_maximum(sampled: Tensor, points: SamplingPoints) -> tuple[Tensor, Tensor]:
    """Greatest value of every bin and channel, (bins, C), and the first point that has it (S for none).

    As in mmcv, the search starts at -10000 on the CPU and at the lowest float elsewhere.
    """
    lowest = -10000.0 if sampled.device.type == "cpu" else torch.finfo(torch.float32).min
    shape = (points.num_bins, sampled.size(1))
    bins = points.bin[:, None].expand_as(sampled)
    maxima = sampled.new_full(shape, lowest).scatter_reduce_(0, bins, sampled, "amax")
    none = len(points.y)
    number = torch.arange(none, device=sampled.device)[:, None]
    candidates = torch.where((sampled == maxima[points.bin]) & (sampled > lowest), number, none)
    return maxima, bins.new_full(shape, none).scatter_reduce_(0, bins, candidates, "amin")


def _backward_maximum(
    gradient: Tensor, rois: Tensor, argmax: tuple[Tensor, Tensor], grad_input: Tensor
) -> None:
    channels, height, width = grad_input.shape[1:]
    y, x = (place.to(gradient.dtype).flatten() for place in argmax)
    pixels, weights = bilinear(y, x, height, width)
    weights = weights.where((y != -1)[:, None], 0.0)
    planes = rois[:, :1].long() * channels + torch.arange(channels, device=rois.device)
    planes = planes.repeat_interleave(gradient.size(2) * gradient.size(3))
    pixels = (pixels + planes[:, None] * (height * width)).flatten()
    order = pixels.argsort(stable=True)
    total = _weighted_sum(
        gradient.reshape(-1, 1), pixels[order], order // 4, weights.flatten()[order], grad_input.numel()
    )
    grad_input += total.view(grad_input.shape)


def _computable(tensor: Tensor) -> Tensor:
    """In at least single precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _pixel_rows(maps: Tensor) -> Tensor:
    """(N, C, H, W) as one row per pixel, (N * H * W, C)."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.size(1))


def _bins_to_map(rows: Tensor, shape: torch.Size) -> Tensor:
    """One row per bin, (R * P * Q, C), as (R, C, P, Q)."""
    regions, channels, height, width = shape
    return rows.view(regions, height, width, channels).permute(0, 3, 1, 2)


def _reads(points: SamplingPoints, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """The rows of `_pixel_rows` that the points read, (4 * S,), and with which weights, (S, 4)."""
    height, width = shape[2:]
    pixels, weights = bilinear(points.y, points.x, height, width)
    return (pixels + points.image[:, None] * (height * width)).flatten(), weights


def _weighted_sum(values: Tensor, rows: Tensor, columns: Tensor, weights: Tensor, num_rows: int) -> Tensor:
    """Product of a sparse matrix with `values` (K, C): (num_rows, C).

    The matrix has `weights` at (`rows`, `columns`), with `rows` sorted; terms are added in that order.
    """
    ends = torch.bincount(rows, minlength=num_rows).cumsum(0)
    offsets = torch.cat((ends.new_zeros(1), ends[:-1]))
    return embedding_bag(columns, values, offsets, mode="sum", per_sample_weights=weights.flatten())
