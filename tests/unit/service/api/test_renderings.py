"""Reports that are made in the background."""

import threading

import pytest

from service.api import renderings
from service.api.renderings import Renderings, Tell


@pytest.fixture
def made():
    made = Renderings()
    yield made
    made.close()


def test_a_report_is_made_once_and_its_progress_is_told(made: Renderings) -> None:
    go, calls = threading.Event(), []

    def make(tell: Tell) -> bytes:
        calls.append(1)
        tell(0.5, "half of it")
        go.wait(20)
        return b"done"

    first = made.get(("a",), make)
    assert first.content(0.2) is None
    assert made.get(("a",), make) is first
    assert (first.share, first.stage) == (0.5, "half of it")
    go.set()
    assert first.content(20) == b"done"
    assert made.get(("a",), make).content(20) == b"done"
    assert len(calls) == 1


def test_one_that_failed_says_so_and_is_tried_again(made: Renderings) -> None:
    def fail(_: Tell) -> bytes:
        raise OSError("the store is away")

    failed = made.get(("a",), fail)
    assert failed.has_failed(20)
    with pytest.raises(OSError, match="away"):
        failed.content(1)
    assert made.get(("a",), lambda _: b"now").content(20) == b"now"


def test_the_oldest_are_forgotten_where_they_take_too_much(
    made: Renderings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renderings, "KEPT_BYTES", 25)
    sizes = []

    def make(_: Tell) -> bytes:
        sizes.append(1)
        return b"0123456789"

    for key in ("a", "b", "c"):
        assert made.get((key,), make).content(20) == b"0123456789"
        made.get((key,), make)
    assert len(sizes) == 3
    made.get(("a",), make).content(20)
    assert len(sizes) == 4


def test_what_goes_on_meanwhile_does_not_begin_a_report_again_at_every_look(
    made: Renderings, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, calls = threading.Event(), []

    def make(_: Tell) -> bytes:
        calls.append(1)
        go.wait(20)
        return b"done"

    first = made.get(("a",), make, as_of=[1])
    assert made.get(("a",), make, as_of=[2]) is first
    go.set()
    assert first.content(20) == b"done"
    assert made.get(("a",), make, as_of=[3]) is first
    monkeypatch.setattr(renderings, "FRESH_SECONDS", 0.0)
    assert made.get(("a",), make, as_of=[1]) is first
    later = made.get(("a",), make, as_of=[3])
    assert later is not first
    assert later.content(20) == b"done"
    assert len(calls) == 2
