"""The peak of a process's memory: of the GPU's allocator where there is one, else of its resident pages."""

import ctypes
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch

_ALLOCATOR = {
    # glibc moves these thresholds by itself, and then keeps freed tensors resident
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}


class Peak(NamedTuple):
    """Bytes: the peak, and how far it was above what was held before."""

    total: int
    above: int


def peak_bytes(run: Callable[[], object]) -> str:
    """The peak while `run` runs, and what was held before, for `measured` to read."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return f"peak {torch.cuda.max_memory_allocated()} {before}"
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak starts anew
    before = _status("VmRSS")
    run()
    return f"peak {_status('VmHWM')} {before}"


def measured(program: str, *arguments: str) -> Peak:
    """The peak of a fresh process of this program."""
    answer = subprocess.run(
        [sys.executable, program, *arguments],
        env={**os.environ, **_ALLOCATOR},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"^peak (\d+) (\d+)$", answer.stdout, re.MULTILINE)
    assert found is not None, answer.stdout
    total, before = map(int, found.groups())
    return Peak(total=total, above=total - before)


def _status(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
