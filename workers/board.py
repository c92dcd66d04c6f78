"""What the main process and its pool processes tell each other: a few bytes of shared memory.

Made before the pool is forked, so that every process, replaced ones too, sees the same bytes.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager

from service.db.types import ID_LENGTH

MAX_SLOTS = 256


class Board:
    """Who the worker is, whether it is draining, and which slots (pool processes) are at work."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1 + ID_LENGTH + MAX_SLOTS)

    @property
    def draining(self) -> bool:
        """Whether this worker is to stop: jobs in hand go back, none is claimed."""
        return self._memory[0] == 1

    def drain(self) -> None:
        """Ask every supervisor of this worker to hand its job back."""
        self._memory[0] = 1

    @property
    def worker_id(self) -> str | None:
        """The worker's id in the ledger; None until it is registered."""
        raw = self._memory[1 : 1 + ID_LENGTH]
        return raw.decode() if raw.strip(b"\0") else None

    @worker_id.setter
    def worker_id(self, value: str) -> None:
        assert len(value) == ID_LENGTH, "a worker id of another length"
        self._memory[1 : 1 + ID_LENGTH] = value.encode()

    def idle(self, num_slots: int) -> list[int]:
        """The slots that are not at work."""
        return [slot for slot in range(num_slots) if self._memory[self._place(slot)] == 0]

    @contextmanager
    def at_work(self, slot: int) -> Iterator[None]:
        """Mark a slot for as long as it works."""
        self._memory[self._place(slot)] = 1
        try:
            yield
        finally:
            self.clear(slot)

    def clear(self, slot: int) -> None:
        """Unmark a slot, as a process that takes over from a dead one must."""
        self._memory[self._place(slot)] = 0

    @staticmethod
    def _place(slot: int) -> int:
        assert 0 <= slot < MAX_SLOTS, f"slot {slot} of at most {MAX_SLOTS}"
        return 1 + ID_LENGTH + slot
