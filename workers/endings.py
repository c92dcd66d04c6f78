"""What the end of a child means for its attempt. Pure."""

import signal as signals
from collections.abc import Sequence
from enum import StrEnum

from frs_core.events import ResultEvent
from service.db.ledger import Ending
from service.db.states import AttemptState


class StopCause(StrEnum):
    """Why a supervisor stopped its child."""

    CANCEL = "cancel"
    PAUSE = "pause"
    DRAIN = "drain"


def ending_of(
    result: ResultEvent | None,
    *,
    exit_code: int | None,
    signal: int | None,
    cause: StopCause | None,
    last_lines: Sequence[str],
    out_of_memory: str | None = None,
) -> Ending:
    """How an attempt ended: by the run's own word, else by why it was stopped, else by how it died.

    `out_of_memory` says what to change where the kernel is known to have ended processes for want of memory.
    """
    if result is not None and result.outcome == "succeeded":
        return Ending(state=AttemptState.SUCCEEDED, exit_code=exit_code, signal=signal)
    if cause is StopCause.CANCEL:
        return Ending(
            state=AttemptState.CANCELLED,
            code="cancelled",
            reason="on request",
            exit_code=exit_code,
            signal=signal,
        )
    if result is not None and result.outcome == "failed" and (result.user_error or cause is None):
        return _failed(result, exit_code, signal)
    if cause is not None:
        return _handed_back(cause, exit_code, signal)
    if result is not None:
        reason = "the run stopped, though its worker did not ask: something else sent it a signal"
        return Ending(
            state=AttemptState.FAILED, code="stopped", reason=reason, exit_code=exit_code, retry=True
        )
    return _died(exit_code, signal, last_lines, out_of_memory)


def _failed(result: ResultEvent, exit_code: int | None, signal: int | None) -> Ending:
    return Ending(
        state=AttemptState.FAILED,
        code=result.code or "crash",
        reason=result.message or "the run failed without a message: see its log",
        field=result.field,
        exit_code=exit_code,
        signal=signal,
        retry=not result.user_error,
    )


def _handed_back(cause: StopCause, exit_code: int | None, signal: int | None) -> Ending:
    code, reason = {
        StopCause.PAUSE: ("paused", "on request"),
        StopCause.DRAIN: ("worker_stopped", "its worker was shut down"),
    }[cause]
    return Ending(
        state=AttemptState.RELEASED,
        code=code,
        reason=reason,
        exit_code=exit_code,
        signal=signal,
        retry=True,
    )


def _died(
    exit_code: int | None, signal: int | None, last_lines: Sequence[str], out_of_memory: str | None
) -> Ending:
    if out_of_memory is not None and signal == signals.SIGKILL:
        code = "out_of_memory"
        reason = f"the host ran out of memory, and its kernel ended the run: {out_of_memory}"
    elif signal == signals.SIGKILL:
        code = "killed"
        reason = (
            "the process was killed (SIGKILL), most often because the host ran out of memory: "
            "a smaller schedule.batch_size or input_size needs less"
        )
    elif signal is not None:
        code, reason = "killed", f"the process was ended by {signals.Signals(signal).name}"
    else:
        code, reason = "crash", f"the process ended with exit code {exit_code} and no result"
    output = "; its last output:\n" + "\n".join(last_lines) if last_lines else ""
    return Ending(
        state=AttemptState.FAILED,
        code=code,
        reason=reason + output,
        exit_code=exit_code,
        signal=signal,
        retry=True,
    )
