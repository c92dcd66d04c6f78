"""The feed gives events in order, and waits for one that may come late."""

from service.api.events import Feed
from service.db.live import SETTLE
from service.db.models import Event

PATIENCE_SECONDS = SETTLE.total_seconds()


def events(*ids: int) -> list[Event]:
    return [Event(id=number, kind="x", message="") for number in ids]


def ids(taken: list[Event]) -> list[int]:
    return [event.id for event in taken]


def test_consecutive_events_are_given_at_once() -> None:
    feed = Feed(after=4)
    assert ids(feed.take(events(5, 6), 0.0)) == [5, 6]
    assert feed.after == 6


def test_an_event_behind_a_gap_waits_for_the_missing_one() -> None:
    feed = Feed(after=4)
    assert ids(feed.take(events(5, 7), 0.0)) == [5]
    assert ids(feed.take(events(6, 7, 8), 0.5)) == [6, 7, 8]


def test_a_gap_that_stays_is_passed_in_the_end() -> None:
    feed = Feed(after=4)
    assert feed.take(events(9), 10.0) == []
    assert feed.take(events(9), 10.0 + PATIENCE_SECONDS / 2) == []
    assert ids(feed.take(events(9, 10), 10.0 + PATIENCE_SECONDS)) == [9, 10]


def test_one_wait_serves_all_gaps_that_were_seen_together() -> None:
    feed = Feed(after=0)
    assert feed.take(events(2, 4, 6), 0.0) == []
    assert ids(feed.take(events(2, 4, 6, 8), PATIENCE_SECONDS)) == [2, 4, 6]
    assert ids(feed.take(events(8), 2 * PATIENCE_SECONDS)) == [8]


def test_a_gap_that_opens_later_is_waited_for_anew() -> None:
    feed = Feed(after=0)
    feed.take(events(2), 0.0)
    assert ids(feed.take(events(2, 4), PATIENCE_SECONDS)) == [2]
    assert ids(feed.take(events(4), 2 * PATIENCE_SECONDS)) == [4]
