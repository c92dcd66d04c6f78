"""Lists in pages, newest first; the cursor names the last row seen, so new rows shift no page."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from sqlalchemy import Select, literal, tuple_
from sqlalchemy.orm import Session

from service.db.models import Experiment, Job
from service.db.types import UtcDateTime, is_id

RowT = TypeVar("RowT", Experiment, Job)


class InvalidCursorError(ValueError):
    """A cursor that no list of this service gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:200]!r} is not a cursor that a list gave")


@dataclass(frozen=True, kw_only=True)
class Page(Generic[RowT]):
    """Some rows and the cursor of the rows after them; None on the last page."""

    items: Sequence[RowT]
    next_cursor: str | None


def page(
    session: Session, statement: Select[RowT], table: type[RowT], *, limit: int, cursor: str | None
) -> Page[RowT]:
    """The next `limit` rows after the cursor, newest first. Raises InvalidCursorError."""
    key = tuple_(table.created_at, table.id)
    if cursor is not None:
        created_at, row_id = _decode(cursor)
        statement = statement.where(key < tuple_(literal(created_at, UtcDateTime()), literal(row_id)))
    rows = session.scalars(
        statement.order_by(table.created_at.desc(), table.id.desc()).limit(limit + 1)
    ).all()
    items = rows[:limit]
    more = len(rows) > limit
    return Page(items=items, next_cursor=_encode(items[-1].created_at, items[-1].id) if more else None)


def _encode(created_at: datetime, row_id: str) -> str:
    text = json.dumps([created_at.isoformat(), row_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        created_at, row_id = json.loads(text)
        moment = datetime.fromisoformat(created_at)
        moment.astimezone(UTC)
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise InvalidCursorError(cursor) from error
    if moment.tzinfo is None or not isinstance(row_id, str) or not is_id(row_id):
        raise InvalidCursorError(cursor)
    return moment, row_id
