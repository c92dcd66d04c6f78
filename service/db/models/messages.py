"""What happened, what clients sent before, and what the broker is still to be told."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.db.models.base import Base, Id, RowId
from service.db.types import PrintedText, utc_now


class Event(Base):
    """What happened, in order: state changes, warnings, worker losses. The dashboard's feed.

    SQLite would otherwise give the number of a deleted last row again, and readers who saw it would miss it.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    experiment_id: Mapped[str | None] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), index=True
    )
    job_id: Mapped[str | None] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(PrintedText)
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012


class IdempotencyKey(Base):
    """A key a client sent with a submission, the hash of the body it came with, and what it made."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    resource_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ChoreRuns(Base):
    """How often the keepers did a chore, all of them together, and when it last went well."""

    __tablename__ = "chore_runs"

    chore: Mapped[str] = mapped_column(String(32), primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    succeeded_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """A wake-up for the broker, written with what made it necessary; not sent before its time."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    not_before: Mapped[datetime | None]
    published_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_outbox_unpublished", "id", sqlite_where=text("published_at IS NULL"),
              postgresql_where=text("published_at IS NULL")),
    )  # fmt: skip
