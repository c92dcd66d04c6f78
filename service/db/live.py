"""What a feed of events asks the database."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.db.leases import now
from service.db.models import Event

SETTLE = timedelta(seconds=2)
"""For so long an event may come behind a later one: PostgreSQL numbers a row before its commit."""


def settled_event_id(session: Session, *, within: timedelta = SETTLE) -> int:
    """The last event that no other can still come before; 0 where there is none.

    `within` is how long a transaction may take between its events and its commit.
    """
    statement = select(func.max(Event.id)).where(Event.created_at < now(session) - within)
    return session.scalar(statement) or 0
