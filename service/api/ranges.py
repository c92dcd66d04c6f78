"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class UnsatisfiableRangeError(ValueError):
    """No byte of the file is in the range."""


def wanted_bytes(header: str | None, if_range: str | None, *, etag: str, size_bytes: int) -> range | None:
    """The bytes asked for; None for the whole file.

    So is what cannot be understood, several ranges at once, and a part of what the file was before.
    Raises UnsatisfiableRangeError.

    >>> wanted_bytes("bytes=-2", None, etag='"a"', size_bytes=10)
    range(8, 10)
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.groups() == ("", "") or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = (int(text[:20]) if text else None for text in found.groups())
    if first is None:
        assert last is not None
        first, last = max(0, size_bytes - last), size_bytes - 1
    elif last is not None and last < first:
        return None
    stop = size_bytes if last is None else min(size_bytes, last + 1)
    if first >= stop:
        raise UnsatisfiableRangeError(
            f"the file has {size_bytes} bytes, and none of them is in the range that was asked for"
        )
    return range(first, stop)
