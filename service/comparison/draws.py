"""How the AP of each draw of a run's images is kept: a few kilobytes of little-endian float64."""

import numpy as np

from service.comparison.bootstrap import Values

NUM_DRAWS = 1000
"""Efron and Tibshirani (1993, section 13.3) advise so many for the ends of an interval."""


def pack(values: Values) -> bytes:
    """The bytes of values, (D,)."""
    return values.astype("<f8").tobytes()


def unpack(content: bytes) -> Values:
    """The values, (D,), of what `pack` gave.

    >>> unpack(pack(np.array([0.25, 0.5]))).tolist()
    [0.25, 0.5]
    """
    return np.frombuffer(content, dtype="<f8").astype(np.float64)
