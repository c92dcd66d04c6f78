"""How busy a host is: shares of 1, learnt without loading torch."""

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workers.devices import Gpu

QUERY_SECONDS = 5
_MEMINFO = Path("/proc/meminfo")


def usage(gpus: Sequence[Gpu]) -> dict[str, Any]:
    """Load of the processors (of one minute, each as 1), memory in use, and each GPU's use and memory."""
    cpus = len(os.sched_getaffinity(0))
    found: dict[str, Any] = {"cpu": round(os.getloadavg()[0] / cpus, 3), "memory": _memory()}
    if gpus:
        found["gpus"] = _gpus({gpu.uuid for gpu in gpus})
    return found


def _memory() -> float | None:
    fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    total, free = (int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return round(1 - free / total, 3)


def _gpus(uuids: set[str]) -> list[dict[str, Any]]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    names = "uuid,utilization.gpu,memory.used,memory.total"
    command = [program, f"--query-gpu={names}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_SECONDS, check=False)  # noqa: S603  # nosec B603  # a fixed command
    except subprocess.TimeoutExpired:
        return []
    rows = [row for row in csv.reader(answer.stdout.splitlines(), skipinitialspace=True) if len(row) == 4]
    return [
        {"uuid": uuid, "busy": _share(busy, "100"), "memory": _share(used, total)}
        for uuid, busy, used, total in rows
        if uuid in uuids
    ]


def _share(part: str, whole: str) -> float | None:
    numbers = part.isdigit() and whole.isdigit() and int(whole) > 0
    return round(int(part) / int(whole), 3) if numbers else None
