"""Work that comes round again: done on time, tried again later and later while it fails."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from kombu.exceptions import OperationalError
from sqlalchemy.exc import DBAPIError

from service.artifacts import ArtifactError

MAX_DELAY_SECONDS = 60.0
MAX_DOUBLINGS = 16  # far beyond the longest delay; unbounded, the power would overflow in a day
_log = structlog.get_logger(__name__)


@dataclass(kw_only=True)
class Chore:
    """`do` every `period_seconds`; it returns whether there is more to do at once.

    While the database, the broker or the store is away the delay doubles; any other error ends the process.
    `num_runs` and `num_failed` count what nobody has noted down yet.
    """

    name: str
    do: Callable[[], bool]
    period_seconds: float
    due: float = field(default=0.0, init=False)
    num_failures: int = field(default=0, init=False)
    num_runs: int = field(default=0, init=False)
    num_failed: int = field(default=0, init=False)

    def run(self) -> None:
        """Do it once and set when it is due again."""
        self.num_runs += 1
        try:
            more = self.do()
        except (DBAPIError, OperationalError, OSError, ArtifactError) as error:
            delay = min(self.period_seconds * 2.0 ** min(self.num_failures, MAX_DOUBLINGS), MAX_DELAY_SECONDS)
            self.num_failures += 1
            self.num_failed += 1
            _log.warning("chore.failed", chore=self.name, error=str(error), retry_seconds=delay)
        else:
            delay, self.num_failures = 0.0 if more else self.period_seconds, 0
        self.due = time.monotonic() + delay


def run_chores(chores: Sequence[Chore], stop: threading.Event) -> None:
    """Run each chore when it is due, until `stop` is set."""
    while not stop.is_set():
        for chore in chores:
            if chore.due <= time.monotonic() and not stop.is_set():
                chore.run()
        stop.wait(max(0.0, min(chore.due for chore in chores) - time.monotonic()))
