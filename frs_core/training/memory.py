"""What memory the training takes at the moment."""

import os
from pathlib import Path

import torch

_STATM = Path("/proc/self/statm")


def memory_in_use() -> int | None:
    """Bytes: the most that was allocated on the GPU so far where there is one, else what the process holds in
    main memory now; None where the system does not tell.
    """
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
