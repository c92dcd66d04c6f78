"""Tables that fit: names give way, so that no number is ever cut."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

GAP = 2
LEAST = 4
"""Characters that a name keeps, however narrow the terminal."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The head of a column. One that gives way is cut where the rest would not fit."""

    name: str
    justify: Literal["left", "right"] = "left"
    gives_way: bool = False


def fitted(headings: Sequence[Heading], rows: Sequence[Sequence[RenderableType]], max_width: int) -> Table:
    """A table without lines, as wide as it must be and `max_width` at most."""
    widths = [
        max(map(_width, (heading.name, *(row[place] for row in rows))))
        for place, heading in enumerate(headings)
    ]
    flexible = [place for place, heading in enumerate(headings) if heading.gives_way]
    fixed = sum(width for place, width in enumerate(widths) if place not in flexible)
    left = max_width - fixed - GAP * len(headings)
    for place, share in zip(flexible, shares([widths[place] for place in flexible], left), strict=True):
        widths[place] = share
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for heading, width in zip(headings, widths, strict=True):
        table.add_column(
            heading.name, justify=heading.justify, width=width, no_wrap=True, overflow="ellipsis"
        )
    for row in rows:
        table.add_row(*row)
    return table


def shares(wanted: Sequence[int], available: int) -> list[int]:
    """What each gets of the room there is: the small ones what they want, the large ones equal parts.

    >>> shares([5, 30, 40], 45)
    [5, 20, 20]
    """
    given = list(wanted)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    for number, place in enumerate(order):
        part = max(LEAST, available // (len(order) - number))
        given[place] = min(wanted[place], part)
        available -= given[place]
    return given


def _width(cell: RenderableType) -> int:
    if isinstance(cell, Text):
        return cell.cell_len
    if isinstance(cell, ProgressBar):
        return cell.width or 0
    assert isinstance(cell, str)
    return cell_len(cell)
