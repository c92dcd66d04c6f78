import threading
import time

import pytest
from kombu.exceptions import OperationalError

from service.jobs.chores import MAX_DELAY_SECONDS, Chore, run_chores


def _chore(do: object, period_seconds: float = 10.0) -> Chore:
    return Chore(name="test", do=do, period_seconds=period_seconds)  # type: ignore[arg-type]


def _delay(chore: Chore) -> float:
    return chore.due - time.monotonic()


def test_a_chore_is_due_again_after_its_period() -> None:
    chore = _chore(lambda: False)
    chore.run()
    assert 9 < _delay(chore) <= 10


def test_a_chore_with_more_to_do_is_due_at_once() -> None:
    chore = _chore(lambda: True)
    chore.run()
    assert _delay(chore) <= 0


def test_while_the_broker_is_away_the_delay_doubles_up_to_a_limit_and_then_starts_anew() -> None:
    away = True

    def do() -> bool:
        if away:
            raise OperationalError("no broker")
        return False

    chore = _chore(do)
    delays = []
    for _ in range(5):
        chore.run()
        delays.append(round(_delay(chore)))
    assert delays == [10, 20, 40, MAX_DELAY_SECONDS, MAX_DELAY_SECONDS]
    away = False
    chore.run()
    away = True
    chore.run()
    assert round(_delay(chore)) == 10


def test_an_absence_of_days_leaves_the_delay_at_its_limit() -> None:
    def do() -> bool:
        raise OperationalError("no broker")

    chore = _chore(do)
    chore.num_failures = 5000
    chore.run()
    assert round(_delay(chore)) == MAX_DELAY_SECONDS


def test_a_mistake_of_our_own_is_not_swallowed() -> None:
    def do() -> bool:
        raise KeyError("typo")

    with pytest.raises(KeyError):
        _chore(do).run()


def test_one_failing_chore_does_not_keep_the_others_from_running() -> None:
    stop = threading.Event()
    done: list[str] = []

    def fails() -> bool:
        done.append("fails")
        raise OSError

    def counts() -> bool:
        done.append("counts")
        if done.count("counts") == 3:
            stop.set()
        return False

    run_chores([_chore(fails, 0.001), _chore(counts, 0.001)], stop)
    assert done.count("counts") == 3
    assert done[:2] == ["fails", "counts"]


def test_a_stop_is_heeded_between_two_chores() -> None:
    stop = threading.Event()
    done: list[str] = []

    def last() -> bool:
        done.append("first")
        stop.set()
        return False

    run_chores([_chore(last), _chore(lambda: bool(done.append("second")))], stop)
    assert done == ["first"]
