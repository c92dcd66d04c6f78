"""Whom to tell when jobs and experiments end, what, and how that went; and runs that are mirrored."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.models.base import Base, Id, RowId
from service.db.types import PrintedText, new_id, utc_now


class Webhook(Base):
    """An address that is told of some `events`: of its key's, of all keys', or of one experiment.

    `secret` signs what is sent, and so cannot be a hash; `former_secret` signs too until `former_until`.
    """

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_key_id: Mapped[str] = mapped_column(Id, ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255))
    payload: Mapped[str] = mapped_column(String(16))
    events: Mapped[list[str]] = mapped_column(JSON)
    everyone: Mapped[bool] = mapped_column(default=False, server_default=false())
    only_experiment_id: Mapped[str | None] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), index=True
    )
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    disabled_reason: Mapped[str | None] = mapped_column(String(200))
    secret: Mapped[str] = mapped_column(Text)
    former_secret: Mapped[str | None] = mapped_column(Text)
    former_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Notice(Base):
    """A job's end that was not yet made into deliveries, written with the end itself; `data` is of then."""

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Delivery(Base):
    """One event for one webhook: at most one row of each. `body` is sent as it is, however often.

    `state` is pending, delivered or failed; `num_attempts` counts since it was last asked for.
    """

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    webhook_id: Mapped[str] = mapped_column(Id, ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(String(80))
    event: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    num_attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=utc_now)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    webhook: Mapped[Webhook] = relationship(lazy="raise")
    tries: Mapped[list["DeliveryTry"]] = relationship(
        lazy="raise", passive_deletes=True, order_by="DeliveryTry.id"
    )

    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_deliveries_webhook_id_created_at_id", "webhook_id", "created_at", "id"),
        Index("ix_deliveries_due", "not_before", "id",
              sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
    )  # fmt: skip


class DeliveryTry(Base):
    """One request: what was answered, the beginning of the answer, or why there was none."""

    __tablename__ = "delivery_tries"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    delivery_id: Mapped[str] = mapped_column(Id, ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    seconds: Mapped[float]
    status: Mapped[int | None]
    response: Mapped[str | None] = mapped_column(PrintedText)
    error: Mapped[str | None] = mapped_column(PrintedText)


class MlflowRun(Base):
    """What an MLflow server knows of a job. `steps` is, by series, the last step that was sent.

    `state` is the job's state that it was told last. While mirroring fails, `error` says why.
    """

    __tablename__ = "mlflow_runs"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str | None] = mapped_column(String(16))
    steps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    num_failures: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=utc_now)
    error: Mapped[str | None] = mapped_column(PrintedText)
