"""Keeping what a frozen teacher yields on disk: the wish, and what it would take, told before it starts."""

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Literal

from pydantic import Field

from frs_core import zoo
from frs_core.methods import Signal
from frs_core.spec.base import Spec
from frs_core.spec.detector import DetectorSpec
from frs_core.spec.faults import fault
from frs_core.spec.schedule import ScheduleSpec

GIB = 2**30
DISTRIBUTION_BINS = 17
"""Of a side of a box, in every GFL of the zoo."""

PAD_DIVISOR = 32
"""Every detector of the zoo pads a batch to the size of its largest image, rounded up to this."""

Precision = Annotated[
    Literal["fp32", "bf16"],
    Field(description="What the frozen teacher computes in; bf16 is for devices that have it"),
]
_BYTES = {"fp16": 2, "fp32": 4}


class CacheSpec(Spec):
    """The teacher's signals of every image and flip are kept, and read by all epochs, methods and seeds.

    With fp32 a run is the same, bit for bit, whatever was kept before. fp16 halves the size and
    rounds the signals, kept or not, to three digits.
    """

    max_gib: float = Field(
        default=10.0, gt=0, le=1e6, description="Of all teachers together, on each host, in GiB"
    )
    precision: Literal["fp16", "fp32"] = "fp32"

    @property
    def max_bytes(self) -> int:
        """The bound in bytes."""
        return int(self.max_gib * GIB)


@dataclass(frozen=True, kw_only=True)
class CacheSize:
    """What one teacher would fill at most: every image in every flip and every size its batch may have."""

    num_images: int
    num_flips: int
    num_batch_sizes: int
    size_bytes: int

    def excess(self, cache: CacheSpec) -> str | None:
        """Why this is too much for the cache, and what to do; None where it fits."""
        if self.size_bytes <= cache.max_bytes:
            return None
        gib = self.size_bytes / GIB
        smaller = "" if cache.precision == "fp16" else ", precision: fp16 for half of that"
        return (
            f"the teacher's outputs would take {gib:.3g} GiB ({self.num_images} images x {self.num_flips} "
            f"flips, batches of {self.num_batch_sizes} sizes, {cache.precision}), and the cache holds "
            f"{cache.max_gib:g}: give max_gib: {_rounded_up(gib)}{smaller}, a smaller input_size, or no cache"
        )


def check_variants(cache: CacheSpec | None, schedule: ScheduleSpec) -> None:
    """Raise a ValidationError at `teacher.cache` where hardly an image is seen twice in the same form."""
    if cache is not None and schedule.multi_scale is not None:
        message = "images of ever new sizes cannot be cached: leave out `cache` or `schedule.multi_scale`"
        raise fault("teacher.cache", "given", message)


def cache_size(
    cache: CacheSpec,
    teacher: DetectorSpec,
    *,
    image_sizes: Iterable[tuple[int, int]],
    input_size: tuple[int, int],
    num_classes: int,
    flip_probability: float,
    requires: Collection[Signal],
) -> CacheSize:
    """An upper bound, from the (width, height) of the training images.

    What a convolution yields depends on its input's padding, and images of several shapes are padded to
    whatever else is in their batch: each size that a batch may have counts as an image of its own.
    """
    padded = Counter(_padded(size, input_size) for size in image_sizes)
    widths, heights = {width for width, _ in padded}, {height for _, height in padded}
    batch_sizes = list(product(widths, heights))
    num_flips = 2 if 0 < flip_probability < 1 else 1
    values = sum(
        count * _values(teacher, batch, num_classes, requires)
        for (width, height), count in padded.items()
        for batch in batch_sizes
        if width <= batch[0] and height <= batch[1]
    )
    return CacheSize(
        num_images=padded.total(),
        num_flips=num_flips,
        num_batch_sizes=len(batch_sizes),
        size_bytes=values * num_flips * _BYTES[cache.precision],
    )


def _padded(size: tuple[int, int], input_size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) after mmcv's resize that keeps the ratio, rounded up as a batch of one is."""
    scale = min(max(input_size) / max(size), min(input_size) / min(size))
    width, height = (math.ceil(int(length * scale + 0.5) / PAD_DIVISOR) * PAD_DIVISOR for length in size)
    return width, height


def _values(
    teacher: DetectorSpec, size: tuple[int, int], num_classes: int, requires: Collection[Signal]
) -> int:
    """Numbers that one image of this padded size yields."""
    entry = zoo.entry(teacher.zoo)
    channels = {
        Signal.NECK: teacher.resolved_fpn_channels,
        Signal.CLS: entry.scores_per_location * (1 if teacher.is_two_stage else num_classes),
        Signal.CENTERNESS: 1,
        Signal.DISTRIBUTIONS: 4 * DISTRIBUTION_BINS,
    }
    locations = sum(math.prod(math.ceil(length / stride) for length in size) for stride in entry.strides)
    return locations * sum(channels[signal] for signal in {Signal.NECK, *requires} & channels.keys())


def _rounded_up(gib: float) -> str:
    """Two digits, never below: what the user is told to give must do."""
    unit = 10.0 ** (math.floor(math.log10(gib)) - 1)
    return f"{math.ceil(gib / unit) * unit:g}"
