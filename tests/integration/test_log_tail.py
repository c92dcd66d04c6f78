"""The log from its end."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.logs import MAX_LINE, Place, log_tail
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


@pytest.fixture
def lease(hand: Hand, submit: Submit) -> ledger.Lease:
    submit()
    return hand.take()


def _print(sessions: Sessions, lease: ledger.Lease, *chunks: str) -> None:
    offset = 0
    with sessions.begin() as session:
        for chunk in chunks:
            ledger.append_log(session, lease, offset=offset, text=chunk)
            offset += len(chunk.encode())


def _pages(sessions: Sessions, job_id: str, num_lines: int, search: str = "") -> list[tuple[str, ...]]:
    """Page by page from the end, as a reader goes back."""
    pages, before = [], None
    with sessions() as session:
        for _ in range(100):
            tail = log_tail(session, job_id, num_lines=num_lines, before=before, search=search)
            pages.append(tail.lines)
            if tail.before is None:
                return pages
            before = Place.parse(str(tail.before))
    raise AssertionError("the log has no beginning")


@pytest.mark.parametrize("num_lines", [1, 2, 3, 7, 100])
def test_every_line_is_seen_once_however_it_was_cut(
    sessions: Sessions, lease: ledger.Lease, num_lines: int
) -> None:
    _print(sessions, lease, "one\ntw", "o\n", "\nfo", "ur", "\nfive is long\n", "six\nseven")
    pages = _pages(sessions, lease.job_id, num_lines)
    lines = [line for page in reversed(pages) for line in page]
    assert lines == ["one", "two", "", "four", "five is long", "six", "seven"]
    assert all(len(page) <= num_lines for page in pages)


def test_a_second_attempt_begins_a_line_of_its_own(
    sessions: Sessions, hand: Hand, lease: ledger.Lease
) -> None:
    _print(sessions, lease, "first, cut of")
    hand.fail(lease, retry=True)
    hand.skip_delay(lease.job_id)
    _print(sessions, hand.take(), "second\n")
    assert _pages(sessions, lease.job_id, 10) == [("first, cut of", "second")]


def test_only_lines_that_hold_the_word_are_given(sessions: Sessions, lease: ledger.Lease) -> None:
    _print(sessions, lease, "Loss 1\nother\nloss ", "2\nthe end\nLOSS 3\n")
    assert _pages(sessions, lease.job_id, 2, "loss") == [("loss 2", "LOSS 3"), ("Loss 1",)]


def test_a_line_without_end_is_cut(sessions: Sessions, lease: ledger.Lease) -> None:
    _print(sessions, lease, *["\r" + "#" * 30_000] * 8, "\nthe end\n")
    [page] = _pages(sessions, lease.job_id, 10)
    assert page[-1] == "the end"
    assert all(len(line) <= MAX_LINE for line in page)


def test_an_empty_log_has_no_lines(sessions: Sessions, lease: ledger.Lease) -> None:
    assert _pages(sessions, lease.job_id, 10) == [()]


@pytest.mark.parametrize("text", ["", "1", "1:2", "a:b:c", "1:2:3:4", "-1:2:3", "1:2:99999999999"])
def test_what_is_no_place_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="earlier answer"):
        Place.parse(text)


def test_many_chunks_are_read_some_at_a_time(sessions: Sessions, lease: ledger.Lease) -> None:
    _print(sessions, lease, *(f"{number}\n" for number in range(180)))
    [page] = _pages(sessions, lease.job_id, 500)
    assert page == tuple(map(str, range(180)))
