"""What is kept stays within its bound."""

import threading
from dataclasses import dataclass

import pytest

from service.images.cache import SizedCache


@dataclass(frozen=True)
class Value:
    nbytes: int
    name: str = ""


@dataclass(frozen=True)
class Other:
    nbytes: int


def test_a_value_is_made_once_while_it_is_kept() -> None:
    cache, made = SizedCache(100), []

    def make() -> Value:
        made.append(1)
        return Value(10)

    first = cache.get(Value, "a", make)
    assert cache.get(Value, "a", make) is first
    assert len(made) == 1
    assert cache.get(Other, "a", lambda: Other(1)) == Other(1)


def test_the_bound_holds_and_the_one_used_longest_ago_goes_first() -> None:
    cache = SizedCache(100)
    for name in ("a", "b"):
        cache.get(Value, name, lambda: Value(40))
    cache.get(Value, "a", lambda: Value(40))
    cache.get(Value, "c", lambda: Value(40))
    assert cache.nbytes == 80
    assert cache.get(Value, "a", lambda: Value(1, "made anew")).name == ""
    assert cache.get(Value, "b", lambda: Value(1, "made anew")).name == "made anew"


def test_what_is_over_the_bound_alone_is_given_and_not_kept() -> None:
    cache = SizedCache(100)
    assert cache.get(Value, "a", lambda: Value(101)).nbytes == 101
    assert cache.nbytes == 0


def test_a_failure_is_not_kept() -> None:
    cache = SizedCache(100)

    def fail() -> Value:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        cache.get(Value, "a", fail)
    assert cache.get(Value, "a", lambda: Value(1)) == Value(1)


def test_two_who_ask_at_once_get_one_value() -> None:
    cache, made, inside, go = SizedCache(100), [], threading.Event(), threading.Event()

    def make() -> Value:
        made.append(1)
        inside.set()
        assert go.wait(10)
        return Value(1)

    threads = [threading.Thread(target=lambda: cache.get(Value, "a", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert inside.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
