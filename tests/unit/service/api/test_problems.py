"""Whatever is wrong, the answer can be sent."""

import json
import math

import pytest

from service.api.problems import MAX_VALUE_LENGTH, clean, fault, invalid


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.1, 0.1),
        ("text", "text"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (10**400, "an integer of 1329 bits"),
        ({"a": 1}, None),
        ([1], None),
        ("a\0b", "a\\0b"),
        ("\ud800", "\\ud800"),
        (b"bytes", "b'bytes'"),
    ],
)
def test_values_are_made_safe_to_send(value: object, sent: object) -> None:
    found = fault("x", "wrong", value)
    assert found.value == sent
    json.dumps(found.model_dump(), allow_nan=False, ensure_ascii=False).encode()


def test_long_values_are_cut_and_say_so() -> None:
    cut = clean("x" * 10_000)
    assert cut.startswith("x" * MAX_VALUE_LENGTH)
    assert cut.endswith("(10000 characters)")


def test_the_first_fault_is_in_title_and_detail() -> None:
    problem = invalid(fault("a.b", "is wrong; mend it", 3), fault("c", "too"))
    assert problem.title == "a.b is not valid"
    assert problem.detail == "a.b: is wrong; mend it; got 3 (and 1 more)"
    assert problem.status == 422
