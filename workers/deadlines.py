"""Limits of time on an attempt: for starting up, without any sign of progress, and in all."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.db.ledger import Ending
from service.db.states import AttemptState
from service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Sign:
    """What is seen of a run: whether it has begun its work, and how much it has written so far."""

    begun: bool
    size_bytes: int


class Deadlines:
    """Watches one attempt. `ran_seconds` is what earlier attempts at the job took."""

    def __init__(
        self, settings: Settings, *, ran_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._ran_seconds = ran_seconds
        self._clock = clock
        self._started_at = self._moved_at = clock()
        self._last: Sign | None = None

    def passed(self, sign: Sign) -> Ending | None:
        """How the attempt is to end where a limit is passed; None while none is."""
        moment = self._clock()
        if sign != self._last:
            self._last, self._moved_at = sign, moment
        limits = self._settings
        if self._ran_seconds + moment - self._started_at > limits.run_limit_seconds:
            return _overdue(
                "run_limit",
                f"the job ran longer than its {limits.run_limit_seconds:g} s in all: raise "
                "FRS_RUN_LIMIT_SECONDS or shorten its schedule, then resume it from its last state",
                retry=False,
            )
        if not sign.begun and moment - self._started_at > limits.start_limit_seconds:
            return _overdue(
                "start_limit",
                f"the run did not begin within {limits.start_limit_seconds:g} s: see its log for what it "
                "waited for (data, a download), or raise FRS_START_LIMIT_SECONDS",
            )
        if sign.begun and moment - self._moved_at > limits.stall_limit_seconds:
            return _overdue(
                "stall_limit",
                f"the run gave no sign of progress for {limits.stall_limit_seconds:g} s: it hangs, or one of "
                "its steps takes longer; then raise FRS_STALL_LIMIT_SECONDS",
            )
        return None


def _overdue(code: str, reason: str, *, retry: bool = True) -> Ending:
    return Ending(state=AttemptState.FAILED, code=code, reason=reason, retry=retry)
