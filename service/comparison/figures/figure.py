"""What every figure has, whatever it shows."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing with all that people need who do not see it.

    `name` is a file's name without its suffix. `svg` takes its colours from the text around it and from the
    classes `series-0` to `series-7`. `columns` and `rows` are what is drawn, as text, first column first.
    """

    name: str
    title: str
    caption: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
