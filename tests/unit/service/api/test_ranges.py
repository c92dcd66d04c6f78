"""What a Range header means, by RFC 9110."""

import pytest

from service.api.ranges import UnsatisfiableRangeError, wanted_bytes

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=0-", range(10)),
        ("bytes=3-5", range(3, 6)),
        (" bytes=9-9 ", range(9, 10)),
        ("bytes=3-99", range(3, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,4-5", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=\u0661-", None),
        (f"bytes=0-{'9' * 5000}", range(10)),
    ],
)
def test_one_range_is_understood_and_the_rest_is_the_whole_file(
    header: str | None, expected: range | None
) -> None:
    assert wanted_bytes(header, None, etag=ETAG, size_bytes=10) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte_is_refused(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRangeError, match=f"{size} bytes"):
        wanted_bytes(header, None, etag=ETAG, size_bytes=size)


@pytest.mark.parametrize(
    ("condition", "applies"), [(ETAG, True), ('W/"abc"', False), ("Fri, 01 Jan 2027 00:00:00 GMT", False)]
)
def test_a_part_of_what_the_file_was_before_is_not_given(condition: str, applies: bool) -> None:
    found = wanted_bytes("bytes=1-2", condition, etag=ETAG, size_bytes=10)
    assert found == (range(1, 3) if applies else None)
