"""When a delivery that failed is tried again."""

from collections.abc import Callable

MAX_ATTEMPTS = 10
FIRST_SECONDS = 10.0
FACTOR = 4.0
MAX_SECONDS = 6 * 3600.0
JITTER = 0.2


def delay_seconds(num_attempts: int, draw: Callable[[], float]) -> float | None:
    """How long to wait after so many tries; None to give up, after about a day.

    Four times longer each time, up to six hours, give or take a fifth, so that a receiver that comes back is
    not met by all at once. `draw` gives numbers from 0 to 1.

    >>> [delay_seconds(number, lambda: 0.5) for number in (1, 2, 3, 9, 10)]
    [10.0, 40.0, 160.0, 21600.0, None]
    """
    if num_attempts >= MAX_ATTEMPTS:
        return None
    delay = min(FIRST_SECONDS * FACTOR ** (num_attempts - 1), MAX_SECONDS)
    return delay * (1 + JITTER * (2 * draw() - 1))
