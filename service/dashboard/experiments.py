"""The list of experiments. Its address says all that it shows: filters, order and columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AfterValidator

from service.api.dependencies import LongCursor, Reading, Res
from service.api.experiments import asked_filters
from service.comparison.standing import refresh
from service.dashboard.rendering import render
from service.dashboard.rows import STRIP_WIDTH, ExperimentRow
from service.db import listing
from service.db.listing import KINDS, Direction, Filters, Kind, Order, Sort
from service.db.live import settled_event_id
from service.db.types import utc_now
from service.db.work import work_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
PAGE_SIZE = 50
REFRESH_SECONDS = 1.0
"""A page waits so long for standings that are not up to date, and then says how many are missing."""
MAX_OPTIONS = 100
"""A menu offers so many values, those of the most experiments."""

_TITLES: dict[Kind, str] = {"state": "State", "tag": "Tag", "dataset": "Data set", "method": "Method"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that can be shown; `note` explains its numbers."""

    key: str
    title: str
    sort: Sort | None = None
    number: bool = False
    note: str = ""


_COLUMNS = (
    Column(key="state", title="State", sort="state"),
    Column(key="ap", title="Best AP", sort="ap", number=True, note="Mean AP of the best row, in points"),
    Column(
        key="delta",
        title="Best Δ AP",
        sort="delta",
        number=True,
        note="Of all methods the largest mean difference in AP to the student trained alone, in points, "
        "paired by seed, over two seeds at least. Grey: not clear of its luck",
    ),
    Column(key="seeds", title="Seeds", number=True, note="Seeds of which every student has ended well"),
    Column(key="progress", title="Progress"),
    Column(key="eta", title="ETA", number=True, note="If as many jobs go on running at a time as run now"),
    Column(key="dataset", title="Data set"),
    Column(key="tags", title="Tags"),
    Column(key="owner", title="Owner", sort="owner"),
    Column(key="created", title="Created", sort="created"),
)
_KEYS = tuple(column.key for column in _COLUMNS)
_USUAL = ("state", "ap", "delta", "seeds", "progress", "eta", "owner", "created")
_NAME = Column(key="name", title="Name", sort="name")


def _known_columns(given: list[str]) -> list[str]:
    """Split at commas; refuse what is no column."""
    keys = [key for text in given for key in text.split(",") if key]
    for key in keys:
        if key not in _KEYS:
            raise ValueError(f"{key[:40]!r} is no column; choose of {', '.join(_KEYS)}")
    return keys


Columns = Annotated[list[str], Query(max_length=2 * len(_KEYS)), AfterValidator(_known_columns)]


@dataclass(frozen=True, kw_only=True)
class View:
    """What an address asks for, besides the page."""

    filters: Filters
    order: Order
    columns: tuple[str, ...]

    @property
    def query(self) -> dict[str, str]:
        """The parameters that differ from the usual."""
        given = {name: getattr(self.filters, name) for name in ("search", "name", *KINDS, "submitted_by")}
        query = {name: value for name, value in given.items() if value}
        if self.filters.since:
            query["since"] = self.filters.since.isoformat()
        if self.filters.archived:
            query["archived"] = "true"
        if self.order.sort != "created":
            query["sort"] = self.order.sort
        if self.order != Order.of(self.order.sort, None):
            query["direction"] = self.order.direction
        if self.columns != _USUAL:
            query["columns"] = ",".join(self.columns)
        return query

    @property
    def is_filtered(self) -> bool:
        """Whether experiments are left out, besides the archived ones."""
        return self.filters != Filters(archived=self.filters.archived)

    @property
    def shown(self) -> list[Column]:
        """The columns behind the name."""
        return [column for column in _COLUMNS if column.key in self.columns]

    @property
    def sortable(self) -> list[Column]:
        """What the list can be sorted by."""
        return [column for column in (_NAME, *_COLUMNS) if column.sort]

    def address(self, **changes: str | None) -> str:
        """The first page of this view with other parameters; None takes one away."""
        query = {name: value for name, value in {**self.query, **changes}.items() if value is not None}
        return "/" + (f"?{urlencode(query)}" if query else "")

    @property
    def unfiltered(self) -> str:
        """The address with the same columns and order of all that is not left out."""
        return self.address(**dict.fromkeys(("search", "name", "since", *KINDS, "submitted_by")))

    def sorted_by(self, sort: Sort) -> str:
        """The address that a heading leads to: sorted by it, and the other way round if it is so already."""
        usual = Order.of(sort, None).direction
        direction: Direction = usual
        if self.order.sort == sort:
            direction = "asc" if self.order.direction == "desc" else "desc"
        return self.address(
            sort=None if sort == "created" else sort, direction=None if direction == usual else direction
        )


@dataclass(frozen=True, kw_only=True)
class Option:
    """A value that can be chosen, and how many experiments would be left."""

    value: str
    count: int
    address: str


@dataclass(frozen=True, kw_only=True)
class Menu:
    """What can be chosen of one kind; `num_more` values are not offered."""

    kind: str
    title: str
    chosen: str | None
    any_address: str
    options: Sequence[Option]
    num_more: int


def _asked(
    filters: Annotated[Filters, Depends(asked_filters)],
    columns: Columns = [],  # noqa: B006 - FastAPI copies it
    *,
    sort: Sort = "created",
    direction: Direction | None = None,
) -> View:
    chosen = tuple(key for key in _KEYS if key in columns)
    return View(filters=filters, order=Order.of(sort, direction), columns=chosen or _USUAL)


@router.get("/")
def show_experiments(
    request: Request,
    resources: Res,
    session: Reading,
    view: Annotated[View, Depends(_asked)],
    cursor: LongCursor = None,
) -> HTMLResponse:
    """A page of experiments, newest first unless asked otherwise."""
    num_missing = refresh(resources.read, resources.write, seconds=REFRESH_SECONDS)
    last_event_id = settled_event_id(session)
    page = listing.list_experiments(session, view.filters, view.order, limit=PAGE_SIZE, cursor=cursor)
    work = work_of(session, [row.experiment_id for row in page.items], with_times=True)
    counts = listing.counts(session, view.filters)
    return render(
        request,
        "experiments.html",
        view=view,
        rows=[ExperimentRow.of(row, work[row.experiment_id]) for row in page.items],
        total=_total(view.filters, counts["state"]),
        menus=[_menu(view, kind, counts[kind]) for kind in KINDS],
        all_columns=_COLUMNS,
        usual_columns=",".join(_USUAL),
        name_column=_NAME,
        strip_width=STRIP_WIDTH,
        num_missing=num_missing,
        paged=cursor is not None,
        here=view.address(cursor=cursor),
        next_page=page.next_cursor and view.address(cursor=page.next_cursor),
        now=utc_now(),
        last_event_id=last_event_id,
    )


def _menu(view: View, kind: Kind, counts: Mapping[str, int]) -> Menu:
    chosen = getattr(view.filters, kind)
    offered = list(counts)[:MAX_OPTIONS]
    if chosen is not None and chosen not in offered:
        offered.insert(0, chosen)
    return Menu(
        kind=kind,
        title=_TITLES[kind],
        chosen=chosen,
        any_address=view.address(**{kind: None}),
        options=[
            Option(value=value, count=counts.get(value, 0), address=view.address(**{kind: value}))
            for value in offered
        ],
        num_more=max(0, len(counts) - len(offered)),
    )


def _total(filters: Filters, states: Mapping[str, int]) -> int:
    """Every experiment is in one state."""
    return sum(states.values()) if filters.state is None else states.get(filters.state, 0)
