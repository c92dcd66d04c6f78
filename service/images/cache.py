"""Keeps what was read from files, by its content's hash, within a bound of bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar


class Sized(Protocol):
    """What knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes, about."""


SizedT = TypeVar("SizedT", bound=Sized)


class SizedCache:
    """Values by key, the one used longest ago forgotten first; one that is over the bound alone is not kept.

    Values are made one at a time, since it is making them that takes memory; those kept are given meanwhile.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, Sized] = OrderedDict()
        self._lock, self._making = threading.Lock(), threading.Lock()

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        with self._lock:
            return sum(value.nbytes for value in self._kept.values())

    def get(self, kind: type[SizedT], key: str, make: Callable[[], SizedT]) -> SizedT:
        """The value of that kind and key, made if it is not kept. What `make` raises is not kept."""
        key = f"{kind.__name__}:{key}"
        found = self._find(kind, key)
        if found is not None:
            return found
        with self._making:
            found = self._find(kind, key)
            if found is None:
                found = make()
                self._keep(key, found)
        return found

    def _find(self, kind: type[SizedT], key: str) -> SizedT | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
        assert isinstance(found, kind)
        return found

    def _keep(self, key: str, value: Sized) -> None:
        with self._lock:
            self._kept[key] = value
            total = sum(each.nbytes for each in self._kept.values())
            while total > self._max_bytes:
                _, forgotten = self._kept.popitem(last=False)
                total -= forgotten.nbytes
