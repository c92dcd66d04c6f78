from datetime import UTC, datetime, timedelta

from service.db.moves import rank

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_of_two_jobs_the_older_comes_first() -> None:
    assert rank(NOON, priority=0, position=0) < rank(NOON + timedelta(seconds=1), priority=0, position=0)


def test_a_step_of_priority_is_worth_an_hour_of_waiting() -> None:
    later = NOON + timedelta(minutes=59)
    assert rank(later, priority=1, position=0) < rank(NOON, priority=0, position=0)
    assert rank(later + timedelta(minutes=2), priority=1, position=0) > rank(NOON, priority=0, position=0)


def test_a_small_experiment_is_not_kept_waiting_by_a_large_one_before_it() -> None:
    large = [rank(NOON, priority=0, position=position) for position in range(100)]
    small = [rank(NOON + timedelta(seconds=90), priority=0, position=position) for position in range(3)]
    assert sum(value < small[-1] for value in large) == 4
