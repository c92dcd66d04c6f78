"""What may stand in a pickle besides tensors, each replaced by something that only holds data.

PyTorch's restricted unpickler calls whatever its allow-list names, with arguments of the file's choosing. So
the names that official checkpoints need are mapped to classes of our own: NumPy's and mmengine's code never
sees the file, only bytes whose type and length have been checked.
"""

from typing import Any

import numpy as np

_NUMERIC_KINDS = frozenset("biufc")


class Dtype:
    """A NumPy type of plain numbers."""

    def __init__(self, code: str, *_: object) -> None:
        self.value = np.dtype(str(code))
        if self.value.kind not in _NUMERIC_KINDS:
            raise TypeError(f"arrays of type {code!r} are not numbers")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class Array:
    """An array that is still bytes."""

    def __init__(self) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, data = state
        flat = np.frombuffer(data, dtype.value)
        self.value = flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


class History:
    """An `mmengine.logging.HistoryBuffer` without its methods."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.log, self.count = state["_log_history"].value, state["_count_history"].value
        self.max_length = int(state["max_length"])


def new_array(*_: object) -> Array:
    """In place of NumPy's `_reconstruct`."""
    return Array()


def new_scalar(dtype: Dtype, data: bytes) -> Any:
    """In place of NumPy's `scalar`."""
    (value,) = np.frombuffer(data, dtype.value)
    return value


def no_bytes() -> bytes:
    """In place of `bytes`, by which pickles write an empty array's content."""
    return b""


def no_attribute(*_: object) -> None:
    """In place of `getattr`, by which a pickled HistoryBuffer names its methods."""


SAFE_GLOBALS: list[Any] = [
    (Dtype, "numpy.dtype"),
    (Array, "numpy.ndarray"),
    (new_array, "numpy._core.multiarray._reconstruct"),
    (new_array, "numpy.core.multiarray._reconstruct"),
    (new_scalar, "numpy._core.multiarray.scalar"),
    (new_scalar, "numpy.core.multiarray.scalar"),
    (History, "mmengine.logging.history_buffer.HistoryBuffer"),
    (no_bytes, "builtins.bytes"),
    (no_attribute, "builtins.getattr"),
]


def revive(value: Any, seen: dict[int, tuple[Any, Any]] | None = None) -> Any:
    """`value` with arrays and histories in place of what was read for them, at any depth.

    `seen` keeps what was met, by identity, so that shared and circular values are visited once.
    """
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)][1]
    if isinstance(value, Array):
        return value.value
    if isinstance(value, History):
        return _history_buffer(value)
    if type(value) is tuple:
        seen[id(value)] = (value, tuple(revive(item, seen) for item in value))
    elif isinstance(value, dict):
        seen[id(value)] = (value, value)
        value.update({key: revive(item, seen) for key, item in value.items()})
    elif isinstance(value, list):
        seen[id(value)] = (value, value)
        value[:] = [revive(item, seen) for item in value]
    return seen.get(id(value), (value, value))[1]


def _history_buffer(history: History) -> Any:
    from mmengine.logging import HistoryBuffer

    return HistoryBuffer(history.log, history.count, history.max_length)
