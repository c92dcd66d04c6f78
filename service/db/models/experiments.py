"""Experiments and their tags."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.models.base import Base, Id
from service.db.types import new_id, utc_now

if TYPE_CHECKING:
    from service.db.models.jobs import Job


class Experiment(Base):
    """What a user submitted. Its state is derived from its jobs."""

    __tablename__ = "experiments"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    spec: Mapped[dict[str, Any]]
    submitted_by: Mapped[str | None] = mapped_column(String(200), index=True)
    owner_key_id: Mapped[str | None] = mapped_column(Id, index=True)
    dataset_report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    jobs: Mapped[list["Job"]] = relationship(
        back_populates="experiment", lazy="raise", passive_deletes=True, order_by="Job.position"
    )
    tags: Mapped[list["ExperimentTag"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", passive_deletes=True, order_by="ExperimentTag.tag"
    )

    __table_args__ = (Index("ix_experiments_created_at_id", "created_at", "id"),)


class ExperimentTag(Base):
    """One tag of an experiment."""

    __tablename__ = "experiment_tags"

    experiment_id: Mapped[str] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class CitedRow(Base):
    """A row of an experiment's comparison that was published elsewhere. `metrics` are fractions."""

    __tablename__ = "cited_rows"

    experiment_id: Mapped[str] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    label: Mapped[str] = mapped_column(String(200), primary_key=True)
    metrics: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(String(500))
    url: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
