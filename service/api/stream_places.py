"""How many event streams are open: each asks the database every second, for as long as somebody listens."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from service.api.problems import ProblemError

RETRY_SECONDS = 5


class StreamPlaces:
    """The places of one process, so many for each key. Used by its event loop alone."""

    def __init__(self, *, per_key: int, in_all: int) -> None:
        self._per_key, self._in_all = per_key, in_all
        self._open: Counter[str] = Counter()

    @contextmanager
    def taken(self, key_id: str) -> Iterator[None]:
        """One place for as long as the block lasts. Raises ProblemError (429) where none is left."""
        if self._open[key_id] >= self._per_key:
            raise _refusal(
                f"this key has {self._per_key} event streams open, as many as FRS_STREAMS_PER_KEY allows: "
                "close some of them"
            )
        if self._open.total() >= self._in_all:
            raise _refusal(
                f"{self._in_all} event streams are open, as many as FRS_MAX_STREAMS allows: "
                "try again, or ask for what has changed now and then"
            )
        self._open[key_id] += 1
        try:
            yield
        finally:
            self._open[key_id] -= 1
            self._open += Counter()  # forgets the keys that have none


def _refusal(detail: str) -> ProblemError:
    return ProblemError(429, "too-many-streams", detail, headers={"Retry-After": str(RETRY_SECONDS)})
