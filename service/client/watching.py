"""Looks at something again and again until it has ended. Leaving early changes nothing for it."""

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from service.client.errors import BUSY, ApiError, UnreachableError, WaitTimeoutError

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""How long a server may be away, for instance while it is restarted, before watching ends."""


class Watched(Protocol):
    """What ends."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def state(self) -> str:
        """Where it stands."""

    @property
    def finished(self) -> bool:
        """Whether it will not move any more."""


WatchedT = TypeVar("WatchedT", bound=Watched)


def watch(
    read: Callable[[], WatchedT], *, timeout_seconds: float | None = None, poll_seconds: float = POLL_SECONDS
) -> Iterator[tuple[WatchedT, str]]:
    """What `read` gives, time and again until it is finished, each with a note about the connection.

    Raises WaitTimeoutError after `timeout_seconds`, and what `read` raises where the server refuses, or stays
    away for longer than `PATIENCE_SECONDS`.
    """
    started = time.monotonic()
    last: WatchedT | None = None
    away_since: float | None = None
    while last is None or not last.finished:
        try:
            last = read()
            away_since = None
            yield last, ""
        except (UnreachableError, ApiError) as error:
            if isinstance(error, ApiError) and error.status not in BUSY:
                raise
            away_since = away_since or time.monotonic()
            if last is None or time.monotonic() - away_since > PATIENCE_SECONDS:
                raise
            yield last, f"{error}; trying again"
        if last.finished:
            return
        if timeout_seconds is not None and time.monotonic() - started >= timeout_seconds:
            raise WaitTimeoutError(f"{last.name} is still {last.state}", timeout_seconds)
        time.sleep(_next_look(started, timeout_seconds, poll_seconds))


def _next_look(started: float, timeout_seconds: float | None, poll_seconds: float) -> float:
    if timeout_seconds is None:
        return poll_seconds
    return max(0.0, min(poll_seconds, started + timeout_seconds - time.monotonic()))
