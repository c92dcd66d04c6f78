"""Reads the audit trail, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.db.models import AuditEntry
from service.db.pages import InvalidCursorError, Page, read_cursor, write_cursor

MAX_ROW_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which entries: `key` is a key's id or name, `subject` the beginning of an id, or its kind."""

    key: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None


def list_entries(session: Session, wanted: Wanted, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
    """The next entries after the cursor. Raises InvalidCursorError."""
    statement = select(AuditEntry)
    if wanted.key is not None:
        statement = statement.where(or_(AuditEntry.key_id == wanted.key, AuditEntry.key_name == wanted.key))
    if wanted.action is not None:
        statement = statement.where(AuditEntry.action == wanted.action)
    if wanted.subject is not None:
        begins = AuditEntry.subject_id.startswith(wanted.subject, autoescape=True)
        statement = statement.where(or_(AuditEntry.subject_kind == wanted.subject, begins))
    if wanted.since is not None:
        statement = statement.where(AuditEntry.created_at >= wanted.since)
    if cursor is not None:
        [last] = read_cursor(cursor, 1)
        if not isinstance(last, int) or isinstance(last, bool) or not 0 < last <= MAX_ROW_ID:
            raise InvalidCursorError(cursor)
        statement = statement.where(AuditEntry.id < last)
    rows = session.scalars(statement.order_by(AuditEntry.id.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return Page(items=rows[:limit], next_cursor=write_cursor(rows[limit - 1].id) if more else None)


def last_of(session: Session, kind: str, subject_id: str, *, limit: int) -> Sequence[AuditEntry]:
    """What was last done to one thing."""
    own = (AuditEntry.subject_kind == kind, AuditEntry.subject_id == subject_id)
    return session.scalars(select(AuditEntry).where(*own).order_by(AuditEntry.id.desc()).limit(limit)).all()


def actions(session: Session) -> Sequence[str]:
    """The names of all that was ever done."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


__all__ = ["InvalidCursorError", "Wanted", "actions", "last_of", "list_entries"]
