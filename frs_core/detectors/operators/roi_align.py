"""RoIAlign ("Mask R-CNN", section 3), with the results of mmcv's compiled operator.

Pooling is a product with a sparse matrix, pixels to bins, and its gradient a product with the same matrix transposed.

Shapes: N images, C channels, H height, W width, R regions, P pooled height, Q pooled width, S sampling points.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from frs_core.detectors.operators.native import torchvision_operators
from frs_core.detectors.operators.roi_sampling import (
    Geometry,
    SamplingPoints,
    bilinear,
    region_parts,
    sampling_points,
)

_MAX_POOL = 0
_POINTS_AT_ONCE = 1 << 20  # a few hundred megabytes of indices and weights
_VALUES_AT_ONCE = 1 << 25


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Pool each region of `input` to a fixed size.

    Args:
        input: (N, C, H, W).
        rois: (R, 5) as image index, x1, y1, x2, y2 in image pixels.
        output: (R, C, P, Q), overwritten.
        argmax_y, argmax_x: when pooling by maximum, of output's shape and overwritten with the place of each maximum
            (-1 where a bin has no point); ignored otherwise.
        aligned_height, aligned_width: P and Q.
        spatial_scale: pixels of `input` per image pixel.
        sampling_ratio: points per bin and axis; 0 for one per pixel that the bin spans.
        pool_mode: 0 for the maximum over a bin's points, 1 for their mean.
        aligned: whether the first pixel's centre is at 0.5 (True) or at 0.
    """
    geometry = Geometry(
        aligned_height=aligned_height,
        aligned_width=aligned_width,
        spatial_scale=spatial_scale,
        sampling_ratio=sampling_ratio,
        aligned=aligned,
    )
    features, regions = _computable(input), _computable(rois).to(_computable(input).dtype)
    if pool_mode == _MAX_POOL:
        _forward_maximum(features, regions, geometry, output, argmax_y, argmax_x)
    elif torchvision_operators() is not None:
        output.copy_(
            torch.ops.torchvision.roi_align(
                features, regions, spatial_scale, aligned_height, aligned_width, sampling_ratio, aligned
            )
        )
    else:
        _forward_mean(features, regions, geometry, output)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Add the gradient by the forward's `input` to `grad_input` (N, C, H, W); `grad_output` is (R, C, P, Q)."""
    geometry = Geometry(
        aligned_height=aligned_height,
        aligned_width=aligned_width,
        spatial_scale=spatial_scale,
        sampling_ratio=sampling_ratio,
        aligned=aligned,
    )
    gradient, regions = _computable(grad_output), _computable(rois).to(_computable(grad_output).dtype)
    # torchvision's backward adds up in no fixed order on CUDA.
    native = torchvision_operators() is not None and not torch.are_deterministic_algorithms_enabled()
    if pool_mode == _MAX_POOL:
        _backward_maximum(gradient, regions, argmax_y, argmax_x, grad_input)
    elif native:
        grad_input += torch.ops.torchvision._roi_align_backward(
            gradient,
            regions,
            spatial_scale,
            aligned_height,
            aligned_width,
            *grad_input.shape,
            sampling_ratio,
            aligned,
        )
    else:
        _backward_mean(gradient, regions, geometry, grad_input)


def _forward_mean(features: Tensor, rois: Tensor, geometry: Geometry, output: Tensor) -> None:
    values = _pixel_rows(features)
    for part in region_parts(rois, geometry, _POINTS_AT_ONCE):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, features.shape)
        bins = points.bin.repeat_interleave(4)
        pooled = _weighted_sum(values, bins, pixels, weights * points.share[:, None], points.num_bins)
        output[part] = _bins_to_map(pooled, output[part].shape).to(output.dtype)


def _backward_mean(gradient: Tensor, rois: Tensor, geometry: Geometry, grad_input: Tensor) -> None:
    num, channels, height, width = grad_input.shape
    for part in region_parts(rois, geometry, _POINTS_AT_ONCE):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, grad_input.shape)
        order = pixels.argsort(stable=True)
        total = _weighted_sum(
            gradient[part].permute(0, 2, 3, 1).reshape(-1, channels),
            pixels[order],
            points.bin.repeat_interleave(4)[order],
            (weights * points.share[:, None]).flatten()[order],
            num * height * width,
        )
        grad_input += total.view(num, height, width, channels).permute(0, 3, 1, 2).to(grad_input.dtype)


def _forward_maximum(
    features: Tensor, rois: Tensor, geometry: Geometry, output: Tensor, argmax_y: Tensor, argmax_x: Tensor
) -> None:
    values = _pixel_rows(features)
    channels = features.size(1)
    for part in region_parts(rois, geometry, max(1, _VALUES_AT_ONCE // channels)):
        points = sampling_points(rois[part], geometry)
        pixels, weights = _reads(points, features.shape)
        each = torch.arange(len(points.y), device=features.device).repeat_interleave(4)
        sampled = _weighted_sum(values, each, pixels, weights, len(points.y))
        maxima, winners = _segment_maximum(sampled, points)
        shape = output[part].shape
        output[part] = _bins_to_map(maxima, shape).to(output.dtype)
        for argmax, coordinate in ((argmax_y, points.y), (argmax_x, points.x)):
            # The last row answers for bins that have no point.
            chosen = torch.cat((coordinate, coordinate.new_tensor([-1.0])))[winners]
            argmax[part] = _bins_to_map(chosen, shape).to(argmax.dtype)


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
    gradient: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor, grad_input: Tensor
) -> None:
    channels, height, width = grad_input.shape[1:]
    y, x = argmax_y.to(gradient.dtype).flatten(), argmax_x.to(gradient.dtype).flatten()
    pixels, weights = bilinear(y, x, height, width)
    weights = weights.where((y != -1)[:, None], 0.0)
    planes = rois[:, :1].long() * channels + torch.arange(channels, device=rois.device)
    pixels = (pixels + planes.repeat_interleave(gradient[0, 0].numel())[:, None] * (height * width)).flatten()
    order = pixels.argsort(stable=True)
    source = torch.arange(len(y), device=rois.device).repeat_interleave(4)[order]
    total = _weighted_sum(
        gradient.reshape(-1, 1), pixels[order], source, weights.flatten()[order], grad_input.numel()
    )
    grad_input += total.view(grad_input.shape).to(grad_input.dtype)


def _computable(tensor: Tensor) -> Tensor:
    """In at least single precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _pixel_rows(features: Tensor) -> Tensor:
    """(N, C, H, W) as one row per pixel, (N * H * W, C)."""
    return features.permute(0, 2, 3, 1).reshape(-1, features.size(1))


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

    The matrix has `weights` at (`rows`, `columns`); `rows` is sorted. Sums are taken in that order on every device.
    """
    starts = torch.bincount(rows, minlength=num_rows).cumsum(0)
    offsets = torch.cat((starts.new_zeros(1), starts[:-1]))
    return F.embedding_bag(columns, values, offsets, mode="sum", per_sample_weights=weights.flatten())
