"""What a child's end means."""

from typing import Literal

import pytest

from frs_core.events import ResultEvent
from service.db.states import AttemptState
from workers.endings import StopCause, ending_of

Outcome = Literal["succeeded", "failed", "stopped"]


def result(outcome: Outcome, *, user_error: bool = False) -> ResultEvent:
    return ResultEvent(time=1.0, outcome=outcome, code="some_code", message="why", user_error=user_error)


@pytest.mark.parametrize("cause", [None, *StopCause])
def test_a_run_that_succeeded_has_whoever_wanted_to_stop_it(cause: StopCause | None) -> None:
    ending = ending_of(result("succeeded"), exit_code=0, signal=None, cause=cause, last_lines=[])
    assert ending.state is AttemptState.SUCCEEDED


@pytest.mark.parametrize(
    ("cause", "state", "code", "retry"),
    [
        (StopCause.CANCEL, AttemptState.CANCELLED, "cancelled", False),
        (StopCause.PAUSE, AttemptState.RELEASED, "paused", True),
        (StopCause.DRAIN, AttemptState.RELEASED, "worker_stopped", True),
        (None, AttemptState.FAILED, "stopped", True),
    ],
)
@pytest.mark.parametrize("killed", [False, True])
def test_a_run_that_was_stopped_ends_by_the_cause(
    cause: StopCause | None, state: AttemptState, code: str, retry: bool, killed: bool
) -> None:
    if killed and cause is None:
        return
    ending = ending_of(
        None if killed else result("stopped"),
        exit_code=None if killed else 75,
        signal=9 if killed else None,
        cause=cause,
        last_lines=[],
    )
    assert (ending.state, ending.code, ending.retry) == (state, code, retry)


@pytest.mark.parametrize(("user_error", "retry"), [(True, False), (False, True)])
def test_only_faults_that_the_user_cannot_mend_are_retried(user_error: bool, retry: bool) -> None:
    failed = result("failed", user_error=user_error)
    ending = ending_of(failed, exit_code=1, signal=None, cause=None, last_lines=["noise"])
    assert (ending.state, ending.code, ending.reason) == (AttemptState.FAILED, "some_code", "why")
    assert ending.retry is retry


def test_a_users_fault_counts_even_while_the_worker_drains() -> None:
    failed = result("failed", user_error=True)
    ending = ending_of(failed, exit_code=1, signal=None, cause=StopCause.DRAIN, last_lines=[])
    assert (ending.state, ending.retry) == (AttemptState.FAILED, False)


@pytest.mark.parametrize(
    ("exit_code", "signal", "words"),
    [
        (None, 9, "ran out of memory"),
        (None, 11, "ended by SIGSEGV"),
        (1, None, "exit code 1 and no result"),
        (0, None, "exit code 0 and no result"),
    ],
)
def test_a_death_without_a_word_is_put_into_words(
    exit_code: int | None, signal: int | None, words: str
) -> None:
    lines = ["Traceback", "ImportError: no module"]
    ending = ending_of(None, exit_code=exit_code, signal=signal, cause=None, last_lines=lines)
    assert (ending.state, ending.retry) == (AttemptState.FAILED, True)
    assert ending.reason is not None
    assert words in ending.reason
    assert ending.reason.endswith("its last output:\nTraceback\nImportError: no module")


def test_a_death_by_the_kernel_for_want_of_memory_says_what_to_change() -> None:
    ending = ending_of(
        None, exit_code=None, signal=9, cause=None, last_lines=["step 7"], out_of_memory="set batch_size to 4"
    )
    assert (ending.code, ending.retry) == ("out_of_memory", True)
    assert ending.reason is not None
    assert "kernel ended the run: set batch_size to 4" in ending.reason
    assert ending.reason.endswith("step 7")


def test_a_run_that_succeeded_did_so_whatever_the_kernel_ended_meanwhile() -> None:
    ending = ending_of(
        result("succeeded"), exit_code=0, signal=None, cause=None, last_lines=[], out_of_memory="x"
    )
    assert ending.state is AttemptState.SUCCEEDED
