"""Sends the wake-ups that transactions left in the outbox."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, or_, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from service.db.leases import now
from service.db.models import OutboxMessage

BATCH = 100
KEEP = timedelta(days=7)


def publish(factory: sessionmaker[Session], send: Callable[[str], None]) -> int:
    """Send the due messages in order, each to `send` by its job's id; returns how many.

    No transaction is open while the broker is waited for. What was sent is marked even where a later one
    fails; what was sent but not marked, because this process died, is sent again, which does no harm.
    Raises what `send` raises.
    """
    with factory() as session:
        due = _due(session)
    sent: list[int] = []
    try:
        for message_id, job_id in due:
            send(job_id)
            sent.append(message_id)
    finally:
        if sent:
            with factory.begin() as session:
                _mark(session, sent)
    return len(sent)


def prune(session: Session) -> None:
    """Forget messages so old that nobody waits for them, sent or not."""
    session.execute(delete(OutboxMessage).where(OutboxMessage.created_at < now(session) - KEEP))


def _due(session: Session) -> list[tuple[int, str]]:
    # Spelled out for the partial index ix_outbox_unpublished.
    statement = (
        select(OutboxMessage.id, OutboxMessage.job_id)
        .where(text("outbox.published_at IS NULL"))
        .where(or_(OutboxMessage.not_before.is_(None), OutboxMessage.not_before <= now(session)))
        .order_by(OutboxMessage.id)
        .limit(BATCH)
    )
    return [(row.id, row.job_id) for row in session.execute(statement)]


def _mark(session: Session, message_ids: list[int]) -> None:
    statement = update(OutboxMessage).where(OutboxMessage.id.in_(message_ids))
    session.execute(statement.values(published_at=now(session)))
