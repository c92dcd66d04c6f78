"""Reports that take longer than a request should: made in the background, kept while they are current.

Each process keeps its own. One that is asked for what another made makes it again, with the same bytes: so
whoever polls at several in turn gets it, too.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

FRESH_SECONDS = 30.0
"""A report of what goes on meanwhile is given out for so long: whoever polls for it must find it done."""
KEPT_BYTES = 256 * 2**20
NUM_THREADS = 2
Tell = Callable[[float, str], None]
Make = Callable[[Tell], bytes]
_log = structlog.get_logger(__name__)


class Rendering:
    """A report on its way: how much is done (0 to 1), and what is being done."""

    def __init__(self, as_of: object = None) -> None:
        self.share, self.stage = 0.0, "waiting for its turn"
        self.future: Future[bytes] = Future()
        self.as_of, self._ended = as_of, 0.0

    def tell(self, share: float, stage: str) -> None:
        """What a report's maker says."""
        self.share, self.stage = share, stage

    def end(self) -> None:
        """Note when it was done."""
        self._ended = time.monotonic()
        self.tell(1.0, "done")

    def serves(self, as_of: object) -> bool:
        """Whether it need not be made anew: on its way, of the same state, or of one just past."""
        if not self.future.done():
            return True
        if self.future.exception() is not None:
            return False
        return self.as_of == as_of or time.monotonic() - self._ended < FRESH_SECONDS

    def content(self, wait_seconds: float) -> bytes | None:
        """The report, or None where it is not there after so long. Raises what its making raised."""
        try:
            return self.future.result(timeout=wait_seconds)
        except TimeoutError:
            if self.future.done():
                raise
            return None

    def has_failed(self, wait_seconds: float) -> bool:
        """Whether it ended, within so long, without a report."""
        try:
            return self.future.exception(timeout=wait_seconds) is not None
        except TimeoutError:
            return False


class Renderings:
    """The reports that were made last, by a key that changes with what they are made of."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="report")
        self._made: OrderedDict[tuple[str, ...], Rendering] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...], make: Make, *, as_of: object = None) -> Rendering:
        """The rendering of that key; it is begun where it was not, had failed, or is of a state long past.

        `as_of` is what changes while jobs run, and is not worth beginning again for at every look.
        """
        with self._lock:
            known = self._made.get(key)
            if known is None or not known.serves(as_of):
                known = self._made[key] = Rendering(as_of)
                self._pool.submit(self._run, known, make)
            self._made.move_to_end(key)
            return known

    def close(self) -> None:
        """Begin no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, rendering: Rendering, make: Make) -> None:
        try:
            content = make(rendering.tell)
        except Exception as error:
            _log.exception("report.failed")
            rendering.future.set_exception(error)
            return
        rendering.end()
        rendering.future.set_result(content)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        with self._lock:
            done = [(key, each) for key, each in self._made.items() if each.future.done()]
            sizes = [0 if each.future.exception() else len(each.future.result()) for _, each in done]
            excess = sum(sizes) - KEPT_BYTES
            for (key, _), size in zip(done[:-1], sizes, strict=False):
                if excess <= 0:
                    return
                del self._made[key]
                excess -= size
