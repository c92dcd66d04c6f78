"""Lists in pages; the cursor names the last row seen, so new rows shift no page."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import Session

from service.db.models import Job
from service.db.types import UtcDateTime, is_id

RowT = TypeVar("RowT")


class InvalidCursorError(ValueError):
    """A cursor that no list of this service gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:200]!r} is not a cursor that a list gave")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[RowT]):
    """Some rows and the cursor of the rows after them; None on the last page."""

    items: Sequence[RowT]
    next_cursor: str | None


def page(session: Session, statement: Select[Job], *, limit: int, cursor: str | None) -> Page[Job]:
    """The next `limit` jobs after the cursor, newest first. Raises InvalidCursorError."""
    if cursor is not None:
        created_at, row_id = read_position(cursor, *read_cursor(cursor, 2))
        after = tuple_(literal(created_at, UtcDateTime()), literal(row_id))
        statement = statement.where(tuple_(Job.created_at, Job.id) < after)
    rows = session.scalars(statement.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit + 1)).all()
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items=items, next_cursor=write_cursor(*position(items[-1])) if more else None)


def position(row: Any) -> tuple[str, str]:
    """What a cursor says of a row's `created_at` and id."""
    return row.created_at.isoformat(), row.id


def write_cursor(*values: Any) -> str:
    """The values as text that belongs into a URL."""
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, length: int) -> list[Any]:
    """The values that `write_cursor` was given; nothing is known of them but their number."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidCursorError(cursor) from error
    if not isinstance(values, list) or len(values) != length:
        raise InvalidCursorError(cursor)
    return values


def read_position(cursor: str, created_at: Any, row_id: Any) -> tuple[datetime, str]:
    """What `position` gave."""
    try:
        moment = datetime.fromisoformat(created_at)
        moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidCursorError(cursor) from error
    if moment.tzinfo is None or not isinstance(row_id, str) or not is_id(row_id):
        raise InvalidCursorError(cursor)
    return moment, row_id
