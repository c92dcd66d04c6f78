"""How much memory this process took at most, and how much it may take. Linux; see proc(5)."""

from contextlib import suppress
from pathlib import Path

_STATUS = Path("/proc/self/status")
_MEMINFO = Path("/proc/meminfo")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def reset_peak() -> None:
    """Start counting anew; where the kernel does not allow that, the count goes on."""
    with suppress(OSError):
        _CLEAR.write_text(_RESET_PEAK)


def peak_bytes() -> int:
    """The largest resident memory since the last reset."""
    return _kibibytes(_STATUS, "VmHWM") * 1024


def available_bytes() -> int:
    """What this process can have: what it has, and what is free without swapping."""
    return (_kibibytes(_STATUS, "VmRSS") + _kibibytes(_MEMINFO, "MemAvailable")) * 1024


def _kibibytes(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise AssertionError(f"{path} has no {name}")
