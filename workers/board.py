"""What the main process and its pool processes tell each other: a few bytes of shared memory.

Made before the pool is forked, so that every process, replaced ones too, sees the same bytes.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from service.db.types import ID_LENGTH

MAX_SLOTS = 256
MAX_GPUS = 64
_GPUS_AT = 1 + ID_LENGTH + MAX_SLOTS
_CLOSED_AT = _GPUS_AT + 2 * MAX_GPUS
_FREE = 0


class Board:
    """Who the worker is, whether it is draining, which slots (pool processes) work, and on which GPUs."""

    def __init__(self, num_gpus: int = 0) -> None:
        assert num_gpus <= MAX_GPUS, f"{num_gpus} GPUs of at most {MAX_GPUS}"
        self._num_gpus = num_gpus
        self._memory = mmap.mmap(-1, _CLOSED_AT + 1)
        self._lock = os.memfd_create("frs-board")

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

    @property
    def closed(self) -> bool:
        """Whether this worker finishes what runs and takes no more."""
        return self._memory[_CLOSED_AT] == 1

    @closed.setter
    def closed(self, value: bool) -> None:
        self._memory[_CLOSED_AT] = int(value)

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
        """Unmark a slot and give back its GPUs, as a process that takes over from a dead one must."""
        self._memory[self._place(slot)] = 0
        self.release(slot)

    @property
    def free_gpus(self) -> list[int]:
        """The numbers of the GPUs that no slot holds."""
        return [gpu for gpu in range(self._num_gpus) if self._holder(gpu) == _FREE]

    @contextmanager
    def choosing_gpus(self) -> Iterator[list[int]]:
        """The free GPUs, which no other process takes meanwhile."""
        # A lock of the process's, not of the open file, which all share: it goes with a process that dies.
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            yield self.free_gpus
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def hold(self, slot: int, gpus: Sequence[int]) -> None:
        """Mark GPUs as a slot's."""
        for gpu in gpus:
            self._hold(gpu, slot + 1)

    def release(self, slot: int) -> None:
        """Give back a slot's GPUs."""
        for gpu in range(self._num_gpus):
            if self._holder(gpu) == slot + 1:
                self._hold(gpu, _FREE)

    def _holder(self, gpu: int) -> int:
        at = _GPUS_AT + 2 * gpu
        return int.from_bytes(self._memory[at : at + 2])

    def _hold(self, gpu: int, holder: int) -> None:
        at = _GPUS_AT + 2 * gpu
        self._memory[at : at + 2] = holder.to_bytes(2)

    @staticmethod
    def _place(slot: int) -> int:
        assert 0 <= slot < MAX_SLOTS, f"slot {slot} of at most {MAX_SLOTS}"
        return 1 + ID_LENGTH + slot
