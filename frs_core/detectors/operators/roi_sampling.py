"""Where RoIAlign looks: the sampling points of regions, and the pixels that each of them reads.

Each of a region's P x Q bins has a grid of points, whose size may differ between regions.

Shapes: H height, W width, R regions, P pooled height, Q pooled width, S sampling points of all regions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What turns a region into sampling points; the names are those of mmcv's operator.

    Attributes:
        aligned_height, aligned_width: P and Q.
        spatial_scale: pixels of the feature map per image pixel.
        sampling_ratio: points per bin and axis; 0 for one per pixel that the bin spans, rounded up.
        aligned: whether the first pixel's centre is at 0.5 (True) or at 0; where it is at 0, a region is at
            least one pixel wide and high.
    """

    aligned_height: int
    aligned_width: int
    spatial_scale: float
    sampling_ratio: int
    aligned: bool

    @property
    def bins(self) -> int:
        """Bins of one region, P * Q."""
        return self.aligned_height * self.aligned_width


@dataclass(frozen=True, kw_only=True)
class SamplingPoints:
    """The points of consecutive regions, ordered by region, bin (row by row) and place in the bin."""

    num_bins: int
    image: Tensor  # (S,) int64
    bin: Tensor  # (S,) int64, counted over all regions
    share: Tensor  # (S,), one over the number of points in the bin
    y: Tensor  # (S,)
    x: Tensor  # (S,)


def region_parts(rois: Tensor, geometry: Geometry, max_points: int) -> Iterator[slice]:
    """Consecutive regions that have about `max_points` points together; `rois` is (R, 5)."""
    grid = _grid(_extent(rois, geometry)[1], geometry)
    done = (geometry.bins * grid.prod(dim=1)).cumsum(0) // max_points
    first = 0
    for count in torch.unique_consecutive(done, return_counts=True)[1].tolist():
        yield slice(first, first + count)
        first += count


def sampling_points(rois: Tensor, geometry: Geometry) -> SamplingPoints:
    """All points of the regions (R, 5)."""
    start, size = _extent(rois, geometry)
    grid = _grid(size, geometry)
    step = size / _pooled(rois, geometry)
    per_bin = grid.prod(dim=1)
    per_region = per_bin * geometry.bins

    region = torch.repeat_interleave(torch.arange(len(rois), device=rois.device), per_region)
    place = torch.arange(len(region), device=rois.device) - (per_region.cumsum(0) - per_region)[region]
    bin_in_region, place = _divide(place, per_bin[region])
    bin_row, bin_column = _divide(bin_in_region, geometry.aligned_width)
    row, column = _divide(place, grid[region, 0])
    start, step, grid = start[region], step[region], grid[region]
    return SamplingPoints(
        num_bins=len(rois) * geometry.bins,
        image=rois[region, 0].long(),
        bin=region * geometry.bins + bin_in_region,
        share=1 / grid.prod(dim=1).to(rois.dtype),
        y=start[:, 1] + bin_row * step[:, 1] + (row + 0.5) * step[:, 1] / grid[:, 1],
        x=start[:, 0] + bin_column * step[:, 0] + (column + 0.5) * step[:, 0] / grid[:, 0],
    )


def bilinear(y: Tensor, x: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The four pixels that each point reads, as y * W + x, and their weights: both (S, 4).

    A point up to one pixel outside the image reads its border; one further out reads nothing (weights zero).
    """
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y_low, y_high, y_fraction = _neighbours(y, height)
    x_low, x_high, x_fraction = _neighbours(x, width)
    pixels = torch.stack(
        [row * width + column for row in (y_low, y_high) for column in (x_low, x_high)], dim=1
    )
    rows, columns = (1 - y_fraction, y_fraction), (1 - x_fraction, x_fraction)
    weights = torch.stack([row * column for row in rows for column in columns], dim=1)
    return pixels, weights.where(inside[:, None], 0.0)


def _extent(rois: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Upper left corner and size of each region on the feature map, each (R, 2) as x, y."""
    corners = rois[:, 1:] * geometry.spatial_scale - (0.5 if geometry.aligned else 0.0)
    size = corners[:, 2:] - corners[:, :2]
    return corners[:, :2], size if geometry.aligned else size.clamp(min=1.0)


def _pooled(rois: Tensor, geometry: Geometry) -> Tensor:
    return rois.new_tensor([geometry.aligned_width, geometry.aligned_height])


def _grid(size: Tensor, geometry: Geometry) -> Tensor:
    """Points per bin along x and y, (R, 2) int64; a region of no or negative size has none."""
    if geometry.sampling_ratio > 0:
        return torch.full(size.shape, geometry.sampling_ratio, dtype=torch.long, device=size.device)
    return (size / _pooled(size, geometry)).ceil().long().clamp(min=0)


def _divide(dividend: Tensor, divisor: Tensor | int) -> tuple[Tensor, Tensor]:
    return dividend // divisor, dividend % divisor


def _neighbours(coordinate: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixel before, the pixel after, and how far between them each point lies."""
    coordinate = coordinate.clamp(0, length - 1)
    low = coordinate.floor().long().clamp(0, length - 1)
    return low, (low + 1).clamp(max=length - 1), coordinate - low
