"""One look at what the server needs serves all who ask at about that time."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

KEPT_SECONDS = 2.0
Found = TypeVar("Found")


class Recent(Generic[Found]):
    """What was found last. Who waits for a look holds no thread, and however many wait, one looks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, asyncio.Lock()
        self._last: tuple[float, Found] | None = None

    async def get(self, look: Callable[[], Found]) -> Found:
        """What `look`, in a thread of its own, gave no longer than `KEPT_SECONDS` ago, or gives now."""
        async with self._lock:
            if self._last is None or self._clock() - self._last[0] > KEPT_SECONDS:
                found = await run_in_threadpool(look)
                self._last = (self._clock(), found)
            return self._last[1]
