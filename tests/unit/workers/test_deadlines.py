"""Limits of time, on a clock of the test's own."""

import pytest

from service.settings import Settings
from workers.deadlines import Deadlines, Sign

LIMITS = Settings(start_limit_seconds=10, stall_limit_seconds=20, run_limit_seconds=100)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _code(deadlines: Deadlines, *, begun: bool, size: int) -> str | None:
    ending = deadlines.passed(Sign(begun=begun, size_bytes=size))
    return None if ending is None else ending.code


def test_a_run_that_does_not_begin_is_ended_even_if_it_writes(clock: Clock) -> None:
    deadlines = Deadlines(LIMITS, ran_seconds=0, clock=clock)
    clock.now += 10
    assert _code(deadlines, begun=False, size=1) is None
    clock.now += 1
    assert _code(deadlines, begun=False, size=2) == "start_limit"


def test_a_run_that_has_begun_may_take_its_time_while_it_writes(clock: Clock) -> None:
    deadlines = Deadlines(LIMITS, ran_seconds=0, clock=clock)
    for size in range(4):
        clock.now += 19
        assert _code(deadlines, begun=True, size=size) is None
    clock.now += 20
    assert _code(deadlines, begun=True, size=3) is None
    clock.now += 0.5
    assert _code(deadlines, begun=True, size=3) == "stall_limit"


def test_earlier_attempts_count_towards_the_limit_of_the_job_which_is_not_tried_again(clock: Clock) -> None:
    deadlines = Deadlines(LIMITS, ran_seconds=95, clock=clock)
    clock.now += 6
    ending = deadlines.passed(Sign(begun=True, size_bytes=1))
    assert ending is not None
    assert (ending.code, ending.retry) == ("run_limit", False)
    assert "100 s" in (ending.reason or "")


def test_by_default_a_job_may_run_for_ever(clock: Clock) -> None:
    deadlines = Deadlines(Settings(), ran_seconds=1e9, clock=clock)
    assert _code(deadlines, begun=True, size=1) is None
