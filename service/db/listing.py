"""Lists of experiments by where they stand: filtered, sorted, in pages; and what each filter would leave."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from service.db.models import Experiment, Standing, StandingFacet
from service.db.pages import InvalidCursorError, Page, read_cursor, read_position, write_cursor
from service.db.states import EXPERIMENT_STATES
from service.db.types import UtcDateTime

Sort = Literal["created", "name", "ap", "delta", "state", "owner"]
Direction = Literal["asc", "desc"]
Kind = Literal["state", "tag", "dataset", "method"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DESCENDING: frozenset[Sort] = frozenset({"created", "ap", "delta"})
"""Sorted so unless asked otherwise: the newest, the highest first."""

Key = Sequence[InstrumentedAttribute[Any]]

_KEYS: dict[Sort, InstrumentedAttribute[Any]] = {
    "name": Standing.name_folded,
    "ap": Standing.best_ap,
    "delta": Standing.best_delta,
    "state": Standing.state_order,
    "owner": Standing.owner,
}
_NUMBERS = {"ap", "delta"}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which experiments. `search` is found anywhere in a name, whatever its case, or begins an id.

    `name` is a whole name, whatever its case; `since` is the earliest moment of submission.
    """

    archived: bool = False
    search: str | None = None
    name: str | None = None
    since: datetime | None = None
    state: str | None = None
    tag: str | None = None
    dataset: str | None = None
    method: str | None = None
    submitted_by: str | None = None

    def without(self, kind: Kind) -> "Filters":
        """The same, with nothing chosen of this kind."""
        nothing: dict[str, Any] = {kind: None}
        return replace(self, **nothing)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a list is sorted by; what has no value comes last, both ways. Equals come by age."""

    sort: Sort = "created"
    direction: Direction = "desc"

    @classmethod
    def of(cls, sort: Sort, direction: Direction | None) -> "Order":
        """The direction that is usual for what is sorted by, unless one is asked for."""
        return cls(sort=sort, direction=direction or ("desc" if sort in DESCENDING else "asc"))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Behind which row a page begins. `value` is that of the row's key; None where it has none."""

    value: str | float | None
    created_at: datetime
    experiment_id: str


def list_experiments(
    session: Session, filters: Filters, order: Order, *, limit: int, cursor: str | None = None
) -> Page[Standing]:
    """Standings with their experiments, whose tags are loaded.

    Raises InvalidCursorError, for a cursor of another order too.
    """
    place = None if cursor is None else _read_place(cursor, order)
    statement = select(Standing).where(*_conditions(filters)).options(*_options())
    rows: list[Standing] = []
    for condition, key in _parts(order, place):
        if len(rows) <= limit:
            part = statement.where(*condition)
            rows += _read(session, part, order, key=key, place=place, limit=limit + 1 - len(rows))
            place = None
    items = rows[:limit]
    return Page(items=items, next_cursor=_write_place(items[-1], order) if len(rows) > limit else None)


def counts(session: Session, filters: Filters) -> dict[Kind, dict[str, int]]:
    """By kind and value, how many experiments there are; each kind as if nothing were chosen of it."""
    chosen = [kind for kind in KINDS if getattr(filters, kind) is not None]
    found: dict[Kind, dict[str, int]] = {kind: {} for kind in KINDS}
    questions = [([kind for kind in KINDS if kind not in chosen], filters)]
    questions += [([kind], filters.without(kind)) for kind in chosen]
    for kinds, applied in questions:
        for kind, value, number in session.execute(_grouped(kinds, applied)):
            found[cast(Kind, kind)][value] = number
    return found


def _grouped(kinds: Sequence[str], filters: Filters) -> Select[str, str, int]:
    facet = StandingFacet
    statement = (
        select(facet.kind, facet.value, func.count())
        .where(facet.archived == literal(filters.archived), facet.kind.in_(kinds))
        .group_by(facet.kind, facet.value)
        .order_by(facet.kind, func.count().desc(), facet.value)
    )
    if filters != Filters(archived=filters.archived):
        statement = statement.where(
            facet.experiment_id.in_(select(Standing.experiment_id).where(*_conditions(filters)))
        )
    return statement


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Standing.archived == literal(filters.archived)]
    for column, wanted in (
        (Standing.state, filters.state),
        (Standing.dataset, filters.dataset),
        (Standing.owner, filters.submitted_by),
        (Standing.name_folded, None if filters.name is None else filters.name.casefold()),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filters.since is not None:
        conditions.append(Standing.created_at >= filters.since)
    for kind, value in (("tag", filters.tag), ("method", filters.method)):
        if value is not None:
            having = select(StandingFacet.experiment_id).where(
                StandingFacet.archived == literal(filters.archived),
                StandingFacet.kind == kind,
                StandingFacet.value == value,
            )
            conditions.append(Standing.experiment_id.in_(having))
    if filters.search is not None and (text := filters.search.strip()):
        conditions.append(
            or_(
                Standing.name_folded.contains(text.casefold(), autoescape=True),
                Standing.experiment_id.startswith(text.lower(), autoescape=True),
            )
        )
    return conditions


def _options() -> list[ExecutableOption]:
    experiment = joinedload(Standing.experiment, innerjoin=True)
    return [
        experiment.load_only(
            Experiment.name, Experiment.submitted_by, Experiment.created_at, Experiment.archived_at
        ),
        experiment.selectinload(Experiment.tags),
    ]


def _parts(order: Order, place: _Place | None) -> Iterator[tuple[Sequence[ColumnElement[bool]], Key]]:
    """What is read one after the other: one index serves both directions only if rows without a value, which
    come last, are read apart.
    """
    if order.sort not in _KEYS:
        yield (), ()
        return
    key = _KEYS[order.sort]
    if place is None or place.value is not None:
        yield (key.is_not(None),), (key,)
    if _is_nullable(order.sort):
        yield (key.is_(None),), ()


def _read(
    session: Session,
    statement: Select[Standing],
    order: Order,
    *,
    key: Key,
    place: _Place | None,
    limit: int,
) -> Sequence[Standing]:
    columns = (*key, Standing.created_at, Standing.experiment_id)
    if place is not None:
        values = (place.value,) if key else ()
        behind = tuple_(
            *(literal(value) for value in values),
            literal(place.created_at, UtcDateTime()),
            literal(place.experiment_id),
        )
        here = tuple_(*columns)
        statement = statement.where(here < behind if order.direction == "desc" else here > behind)
    sorting = [column.desc() if order.direction == "desc" else column.asc() for column in columns]
    return session.scalars(statement.order_by(*sorting).limit(limit)).all()


def _write_place(row: Standing, order: Order) -> str:
    value = getattr(row, _KEYS[order.sort].key) if order.sort in _KEYS else None
    return write_cursor(order.sort, order.direction, value, row.created_at.isoformat(), row.experiment_id)


def _read_place(cursor: str, order: Order) -> _Place:
    sort, direction, value, *rest = read_cursor(cursor, 5)
    moment, row_id = read_position(cursor, *rest)
    if (sort, direction) != (order.sort, order.direction) or not _fits(value, order.sort):
        raise InvalidCursorError(cursor)
    return _Place(value=value, created_at=moment, experiment_id=row_id)


def _fits(value: object, sort: Sort) -> bool:
    """Whether a list sorted so has such values, and both databases can compare with this one."""
    if value is None or sort not in _KEYS:
        return value is None and (sort not in _KEYS or _is_nullable(sort))
    if sort == "state":
        return type(value) is int and 0 <= value < len(EXPERIMENT_STATES)
    if sort in _NUMBERS:
        return type(value) is float and math.isfinite(value)
    return isinstance(value, str) and "\0" not in value and value.encode(errors="ignore").decode() == value


def _is_nullable(sort: Sort) -> bool:
    return bool(Standing.__table__.c[_KEYS[sort].key].nullable)
