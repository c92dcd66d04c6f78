"""The table of `frs list`: any columns in any order."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import typer
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from service.cli import words
from service.cli.fitting import Heading, fitted
from service.client import ExperimentSummary

_ENDED = ("succeeded", "failed", "cancelled", "blocked")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A heading, and what stands under it."""

    heading: str
    cell: Callable[[ExperimentSummary, datetime], RenderableType]
    justify: Literal["left", "right"] = "left"
    gives_way: bool = False


def _jobs(item: ExperimentSummary) -> str:
    done = sum(item.job_states.get(state, 0) for state in _ENDED)
    return f"{done}/{item.num_jobs}"


def _submitted(item: ExperimentSummary, now: datetime) -> Text:
    who = f" by {item.submitted_by}" if item.submitted_by else ""
    return Text(words.age(item.created_at, now) + who, style="dim")


COLUMNS: Mapping[str, Column] = {
    "id": Column(heading="id", cell=lambda item, _now: words.short_id(item.id)),
    "full_id": Column(heading="id", cell=lambda item, _now: item.id),
    "name": Column(heading="name", cell=lambda item, _now: Text(item.name), gives_way=True),
    "state": Column(heading="state", cell=lambda item, _now: words.state_text(item.state)),
    "jobs": Column(heading="jobs done", cell=lambda item, _now: _jobs(item), justify="right"),
    "progress": Column(
        heading="progress", cell=lambda item, _now: words.percent(item.progress), justify="right"
    ),
    "best": Column(
        heading="best row", cell=lambda item, _now: Text(item.best_label or words.NOTHING), gives_way=True
    ),
    "ap": Column(heading="AP", cell=lambda item, _now: words.points(item.best_ap), justify="right"),
    "delta": Column(
        heading="ΔAP", cell=lambda item, _now: words.difference(item.best_delta, None), justify="right"
    ),
    "dataset": Column(heading="data set", cell=lambda item, _now: Text(item.dataset or words.NOTHING)),
    "tags": Column(
        heading="tags", cell=lambda item, _now: Text(", ".join(item.tags) or words.NOTHING), gives_way=True
    ),
    "owner": Column(heading="owner", cell=lambda item, _now: Text(item.submitted_by or words.NOTHING)),
    "submitted": Column(heading="submitted", cell=_submitted, gives_way=True),
    "created": Column(
        heading="created", cell=lambda item, _now: f"{item.created_at.astimezone():%Y-%m-%d %H:%M}"
    ),
}
DEFAULT_COLUMNS = ("id", "name", "state", "jobs", "ap", "delta", "submitted")
_ALL = "all"


def columns_of(text: str | None) -> tuple[str, ...]:
    """The columns that a text names. Raises typer.BadParameter for one that there is not."""
    if text is None:
        return DEFAULT_COLUMNS
    if text == _ALL:
        return tuple(COLUMNS)
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
            raise typer.BadParameter(f"--columns: there is no column {name!r}; {remedy}")
    return names


class ListTable:
    """Draws a line an experiment, as wide as the terminal allows."""

    def __init__(self, items: Sequence[ExperimentSummary], columns: Sequence[str], now: datetime) -> None:
        self._columns = [COLUMNS[name] for name in columns]
        self._rows = [[column.cell(item, now) for column in self._columns] for item in items]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        headings = [
            Heading(name=column.heading, justify=column.justify, gives_way=column.gives_way)
            for column in self._columns
        ]
        yield fitted(headings, self._rows, options.max_width)
