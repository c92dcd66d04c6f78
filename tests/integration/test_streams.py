"""How many event streams may be open, and that each place is given back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.fixtures.callers import MakeCaller, key_of
from tests.fixtures.server import serving
from tests.waiting import wait_until

Headers = dict[str, str]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


@contextmanager
def opened(url: str, headers: Headers) -> Iterator[httpx.Response]:
    """A stream that has begun, or what was answered instead; at the end its client is gone."""
    with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
        lines = answer.iter_lines()  # kept: the connection is closed with what reads it
        assert next(lines).startswith((":", "{")), "neither a stream nor a problem"
        yield answer


def problem(url: str, headers: Headers) -> str:
    return str(httpx.get(url, headers=headers, timeout=30).json()["detail"])


def status(url: str, headers: Headers) -> int:
    with opened(url, headers) as answer:
        return answer.status_code


def test_a_key_has_so_many_streams_and_gets_each_back(
    settings: Settings, tmp_path: Path, make_caller: MakeCaller
) -> None:
    ada, bob = key_of(make_caller("ada")), key_of(make_caller("bob"))
    with serving(settings, tmp_path, FRS_STREAMS_PER_KEY="2") as server:
        url = f"{server}/api/v1/events"
        with ExitStack() as stack:
            for _ in range(2):
                assert stack.enter_context(opened(url, ada)).status_code == 200
            with opened(url, ada) as refused:
                assert refused.status_code == 429
                assert refused.headers["content-type"] == "application/problem+json"
                assert int(refused.headers["Retry-After"]) > 0
                assert "FRS_STREAMS_PER_KEY" in problem(url, ada)
            assert status(url, bob) == 200
        # both clients are gone, without a word
        with ExitStack() as stack:
            for _ in range(2):
                wait_until(lambda: stack.enter_context(opened(url, ada)).status_code == 200)
            assert status(url, ada) == 429


def test_a_stream_that_is_refused_or_not_found_takes_no_place(
    settings: Settings, tmp_path: Path, make_caller: MakeCaller
) -> None:
    ada = key_of(make_caller("ada"))
    with serving(settings, tmp_path, FRS_STREAMS_PER_KEY="1") as server:
        for _ in range(3):
            assert status(f"{server}/api/v1/experiments/nope/events", ada) == 404
            assert status(f"{server}/api/v1/events?after=x", ada) == 422
        assert status(f"{server}/api/v1/events", ada) == 200


def test_a_process_has_so_many_streams_whosever_they_are(
    settings: Settings, tmp_path: Path, make_caller: MakeCaller
) -> None:
    ada, bob = key_of(make_caller("ada")), key_of(make_caller("bob"))
    with serving(settings, tmp_path, FRS_MAX_STREAMS="1") as server:
        url = f"{server}/api/v1/events"
        with opened(url, ada), opened(url, bob) as refused:
            assert refused.status_code == 429
            assert "FRS_MAX_STREAMS" in problem(url, bob)
        wait_until(lambda: status(url, bob) == 200)
