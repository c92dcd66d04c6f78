"""Turns an allocation that failed into an error that says what to change."""

import torch

from frs_core.errors import OutOfMemoryError
from frs_core.planning.advice import MemoryNeed, in_gib, need_of, remedies
from frs_core.spec.job import JobSpec

_HOST_WORDS = ("can't allocate memory", "not enough memory")
"""What PyTorch's CPU allocator says, in a plain RuntimeError."""


def is_shortage(error: BaseException) -> bool:
    """Whether this is a device or the host out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _HOST_WORDS)


def shortage(spec: JobSpec, error: BaseException) -> OutOfMemoryError:
    """The error to end the job with, which carries the advice."""
    need = memory_need(spec)
    reached = f", of which this run had {in_gib(torch.cuda.max_memory_allocated())}" if need.on_gpu else ""
    size = "" if need.device_bytes is None else f" ({in_gib(need.device_bytes)}{reached})"
    batch_size, (width, height) = spec.schedule.batch_size, need.input_size
    return OutOfMemoryError(
        f"out of memory on {need.device}{size} with schedule.batch_size {batch_size} and "
        f"{need.size_field} [{width}, {height}]; {remedies(need)} "
        f"({type(error).__name__}: {_first_line(error)})",
        field="schedule.batch_size",
    )


def memory_need(spec: JobSpec) -> MemoryNeed:
    """What is known without measuring, on this process's device."""
    on_gpu = torch.cuda.is_available()
    return need_of(
        spec,
        on_gpu=on_gpu,
        device=torch.cuda.get_device_name() if on_gpu else "this host",
        memory_bytes=torch.cuda.get_device_properties(0).total_memory if on_gpu else None,
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:300] if lines else "no further word"
