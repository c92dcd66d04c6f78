"""Reduction of what a file says about itself to data that can be stored as JSON."""

from typing import Any

import numpy as np

from frs_core.errors import CheckpointError

_MAX_VALUES = 200_000
_MAX_DEPTH = 32
_NOTHING = object()


def plain(value: Any) -> Any:
    """`value` as str, int, float, bool, None, lists and dictionaries with text keys.

    Tuples and arrays become lists, NumPy's numbers Python's. What has no such form is left out.

    Raises:
        CheckpointError: if the value is nested or repeated beyond any honest use.
    """
    return _Reduction().reduce(value, 0)


class _Reduction:
    """Counts what it has produced: a few shared references can stand for billions of values."""

    def __init__(self) -> None:
        self._produced = 0

    def reduce(self, value: Any, depth: int) -> Any:
        self._produced += value.size if isinstance(value, np.ndarray) else 1
        if self._produced > _MAX_VALUES or depth > _MAX_DEPTH:
            raise CheckpointError(
                f"the checkpoint's 'meta' has more than {_MAX_VALUES} values or is nested more than "
                f"{_MAX_DEPTH} levels deep; save the state dictionary without it.",
                field="checkpoint",
            )
        if isinstance(value, np.ndarray | np.generic):
            return value.tolist()
        if isinstance(value, dict):
            items = {key: self.reduce(item, depth + 1) for key, item in value.items() if isinstance(key, str)}
            return {key: item for key, item in items.items() if item is not _NOTHING}
        if isinstance(value, list | tuple):
            reduced = [self.reduce(item, depth + 1) for item in value]
            return [item for item in reduced if item is not _NOTHING]
        return value if value is None or isinstance(value, str | bool | int | float) else _NOTHING
