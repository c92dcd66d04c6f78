"""Whose a device is: of the one who holds its lock, which a supervisor shares with the processes of its run.

The kernel frees a lock when the last process that has it is gone, so a device whose run outlives its
supervisor, or its worker, is given to nobody else on the host.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workers.locks import try_lock


def take(gpus: Sequence[str], numbers: Iterable[int]) -> dict[int, int]:
    """Lock those of the devices that nobody has: descriptors by the devices' numbers."""
    folder = Path(tempfile.gettempdir()) / f"frs-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    taken = {number: try_lock(folder / re.sub(r"[^\w.-]", "_", gpus[number])) for number in numbers}
    return {number: descriptor for number, descriptor in taken.items() if descriptor is not None}


def let_go(locks: Mapping[int, int]) -> None:
    """Give up this process's share of the locks."""
    for descriptor in locks.values():
        os.close(descriptor)
