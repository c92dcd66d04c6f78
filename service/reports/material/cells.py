"""Cells of a CSV file that no spreadsheet runs as a formula."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_text(value: str) -> str:
    """A spreadsheet would run a cell that starts like a formula; an apostrophe makes it text.

    >>> as_text("=1+1"), as_text("frs")
    ("'=1+1", 'frs')
    """
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def guarded(value: object) -> object:
    """Text of a user's as text; numbers, which may begin with a sign, as they are.

    >>> guarded("-1.5"), guarded("-cmd")
    ('-1.5', "'-cmd")
    """
    if not isinstance(value, str):
        return value
    try:
        float(value)
    except ValueError:
        return as_text(value)
    return value
