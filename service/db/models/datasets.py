"""Registered data sets, their versions, and which jobs use them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.models.base import Base, Id
from service.db.states import DatasetState
from service.db.types import new_id, utc_now


class Dataset(Base):
    """A name under which versions are kept. `last_number` is the newest one's, also where it was deleted."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    owner_key_id: Mapped[str | None] = mapped_column(Id, index=True)
    last_number: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]

    versions: Mapped[list["DatasetVersion"]] = relationship(
        back_populates="dataset",
        lazy="raise",
        passive_deletes=True,
        order_by="DatasetVersion.created_at, DatasetVersion.id",
    )

    __table_args__ = (UniqueConstraint("name"),)


class DatasetVersion(Base):
    """One content of a data set. It has a `number` from when it is ready, and `content_hash` then says which.

    `spec` is where it is and how it is read; `archive_*` of one that was sent. One that turned out to hold
    what another version does already says so by `same_as_id`, and has no number of its own.
    Whoever checks it is the `checker` until `checking_until`; or a job on a worker does, `check_job_id`.
    """

    __tablename__ = "dataset_versions"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    dataset_id: Mapped[str] = mapped_column(Id, ForeignKey("datasets.id", ondelete="CASCADE"))
    number: Mapped[int | None]
    state: Mapped[DatasetState] = mapped_column(default=DatasetState.REGISTERED, index=True)
    spec: Mapped[dict[str, Any]]
    owner_key_id: Mapped[str | None] = mapped_column(Id)
    archive_uri: Mapped[str | None] = mapped_column(String(1024))
    archive_sha256: Mapped[str | None] = mapped_column(String(64))
    archive_bytes: Mapped[int | None] = mapped_column(BigInteger)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    same_as_id: Mapped[str | None] = mapped_column(
        Id, ForeignKey("dataset_versions.id", ondelete="CASCADE"), index=True
    )
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    statistics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str | None] = mapped_column(Text)
    check_job_id: Mapped[str | None] = mapped_column(Id, index=True)
    checker: Mapped[str | None] = mapped_column(Id)
    checking_until: Mapped[datetime | None]
    num_checks: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    checked_at: Mapped[datetime | None]

    dataset: Mapped[Dataset] = relationship(back_populates="versions", lazy="raise")

    __table_args__ = (UniqueConstraint("dataset_id", "number"),)


class DatasetUse(Base):
    """A job that reads a version, which is therefore not deleted."""

    __tablename__ = "dataset_uses"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    version_id: Mapped[str] = mapped_column(
        Id, ForeignKey("dataset_versions.id", ondelete="RESTRICT"), index=True
    )
