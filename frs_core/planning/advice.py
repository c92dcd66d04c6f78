"""What to change where a training does not fit into memory. Pure, and torch-free: workers give it too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from frs_core.spec.job import JobSpec

GIB = 2**30
USABLE_SHARE = 0.9
"""Of a device's memory: the rest is the driver's, other processes', and lost between blocks."""

_STRIDE = 32
_MIN_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class MemoryNeed:
    """What is known of a training's memory. `peaks` are measured bytes by batch size, of those that fitted.

    `input_size` is the largest, and `size_field` where it is set. `device_bytes` is the memory of the device,
    or of the host where it trains on the CPU. Where several processes share a batch, all of these are of one
    process, and `batch_size` is its share.
    """

    batch_size: int
    input_size: tuple[int, int]
    on_gpu: bool
    device: str = ""
    device_bytes: int | None = None
    peaks: Mapping[int, int] = field(default_factory=dict)
    processes: int = 1
    accumulate: int = 1
    precision: str = "fp32"
    size_field: str = "input_size"


def need_of(
    spec: JobSpec,
    *,
    on_gpu: bool,
    device: str = "",
    memory_bytes: int | None = None,
    peaks: Mapping[int, int] | None = None,
) -> MemoryNeed:
    """What each process of a job needs of its device; processes on the CPU share the host's memory."""
    schedule, processes = spec.schedule, spec.resources.processes
    several = schedule.multi_scale is not None
    return MemoryNeed(
        batch_size=schedule.batch_size // processes,
        input_size=largest_input(spec),
        on_gpu=on_gpu,
        device=device,
        device_bytes=memory_bytes if memory_bytes is None or on_gpu else memory_bytes // processes,
        peaks=peaks or {},
        processes=processes,
        accumulate=schedule.accumulate,
        precision=schedule.precision,
        size_field="schedule.multi_scale.sizes" if several else "input_size",
    )


def largest_input(spec: JobSpec) -> tuple[int, int]:
    """The size of the largest image that the network is trained on, (width, height)."""
    sizes = spec.schedule.multi_scale.sizes if spec.schedule.multi_scale else [spec.input_size]
    return max(sizes, key=lambda size: size[0] * size[1])


def estimated_peak(need: MemoryNeed) -> float | None:
    """Bytes at the asked batch size: measured, else on the line through two smaller ones; None if unknown."""
    if need.batch_size in need.peaks:
        return float(need.peaks[need.batch_size])
    line = _line(need.peaks)
    return None if line is None else line[0] + line[1] * need.batch_size


def fits(need: MemoryNeed) -> bool | None:
    """Whether the batch fits; None where that cannot be told."""
    peak = estimated_peak(need)
    if peak is None or need.device_bytes is None:
        return None
    return peak <= USABLE_SHARE * need.device_bytes


def fitting_batch_size(need: MemoryNeed) -> int | None:
    """The largest batch below the asked one that fits; 0 where none does, None where that cannot be told."""
    line = _line(need.peaks)
    if line is None or need.device_bytes is None:
        return None
    fixed, per_image = line
    room = USABLE_SHARE * need.device_bytes - fixed
    largest = int(room / per_image) if per_image > 0 else need.batch_size
    return max(0, min(largest, need.batch_size - 1))


def advice(need: MemoryNeed) -> tuple[str, ...]:
    """What would make it fit, each on its own, the least harmful to the result first."""
    return (*_smaller_batch(need), *_lower_precision(need), *_smaller_input(need), *_elsewhere(need))


def remedies(need: MemoryNeed) -> str:
    """The advice as one sentence."""
    return "any of these may help: " + "; ".join(advice(need))


def in_gib(size_bytes: float) -> str:
    """Three digits or more, for instance: 1.5 GiB.

    >>> in_gib(3 * 2**29), in_gib(5e6), in_gib(2e12)
    ('1.5 GiB', '0.00466 GiB', '1863 GiB')
    """
    size = size_bytes / GIB
    return f"{size:.0f} GiB" if size >= 100 else f"{size:.3g} GiB"


def _line(peaks: Mapping[int, int]) -> tuple[float, float] | None:
    """Bytes that every batch needs, and bytes an image: through the smallest and the largest measured."""
    if len(peaks) < 2:
        return None
    small, large = min(peaks), max(peaks)
    per_image = max(0.0, (peaks[large] - peaks[small]) / (large - small))
    return peaks[small] - per_image * small, per_image


def _smaller_batch(need: MemoryNeed) -> tuple[str, ...]:
    """A part of the batch, so that as many as before make a step: then the result stays what it was."""
    if need.batch_size == 1:
        return ()
    largest = fitting_batch_size(need)
    if largest == 0:
        return ()
    limit = largest or need.batch_size // 2
    part = max(size for size in range(1, limit + 1) if need.batch_size % size == 0)
    asked, chosen, most = (size * need.processes for size in (need.batch_size, part, limit))
    times = need.accumulate * need.batch_size // part
    known = f"; up to {most} fit" if largest is not None and most != chosen else ""
    return (
        f"set schedule.batch_size to {chosen} instead of {asked}, and schedule.accumulate to {times}, so "
        f"that a step sees as many images{known}",
    )


def _lower_precision(need: MemoryNeed) -> tuple[str, ...]:
    if need.on_gpu and need.precision == "fp32":
        return ("set schedule.precision to bf16, which halves most of what a step keeps",)
    return ()


def _smaller_input(need: MemoryNeed) -> tuple[str, ...]:
    """Memory grows with the number of pixels."""
    peak = estimated_peak(need)
    share = 0.5
    if peak is not None and need.device_bytes is not None and peak > USABLE_SHARE * need.device_bytes:
        share = USABLE_SHARE * need.device_bytes / peak
    smaller = [max(_MIN_SIDE, int(side * sqrt(share)) // _STRIDE * _STRIDE) for side in need.input_size]
    if smaller[0] * smaller[1] >= need.input_size[0] * need.input_size[1]:
        return ()
    width, height = need.input_size
    return (f"set {need.size_field} to {smaller} or smaller instead of {[width, height]}",)


def _elsewhere(need: MemoryNeed) -> tuple[str, ...]:
    where = "a worker whose GPU has more memory" if need.on_gpu else "a worker on a host with more memory"
    return (f"choose a smaller detector (backbone depth, channels), or {where}",)
