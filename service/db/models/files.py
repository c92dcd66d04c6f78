"""Which of an experiment's checkpoints are kept, and the secrets that sign links to files."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.db.models.base import Base, Id
from service.db.types import utc_now


class RetentionPolicy(Base):
    """A checkpoint of the experiment's ended jobs that none of this names may be deleted.

    `best` and `last` name the weights of that name, `last` the export too; the others name checkpoints of
    every so many epochs or steps, and those that are younger than so many days.
    """

    __tablename__ = "retention_policies"

    experiment_id: Mapped[str] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    best: Mapped[bool]
    last: Mapped[bool]
    every_epochs: Mapped[int | None]
    every_steps: Mapped[int | None]
    days: Mapped[float | None]
    changed_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class SigningSecret(Base):
    """What the servers of one database sign with, by what it is for."""

    __tablename__ = "signing_secrets"

    purpose: Mapped[str] = mapped_column(String(32), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
