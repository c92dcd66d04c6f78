"""Stands in for one process of several that train together; it needs no torch and ends as it is told.

`python -m tests.miniature.rank WORKDIR FAULT`: the second process is killed, exits with 3, or waits with the
first for TERM, after which the first takes a moment to say that it stopped.
"""

import os
import signal
import sys
import time
from pathlib import Path

from frs_core.context import local_context


def main() -> int:
    workdir, fault = Path(sys.argv[1]), sys.argv[2]
    context = local_context(workdir)
    context.catch_signals()
    if not context.leads and fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if not context.leads and fault == "exit":
        return 3
    (context.workdir / "ready").touch()
    while not context.should_stop():
        time.sleep(0.01)
    if fault == "stop":
        time.sleep(0.2)
        context.result("stopped", message=f"with {os.environ['OMP_NUM_THREADS']} threads")
    return 75


if __name__ == "__main__":
    sys.exit(main())
