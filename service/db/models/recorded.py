"""What attempts record of their jobs."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from service.db.models.base import Base, Id, RowId
from service.db.types import PrintedText, new_id, utc_now


class MetricSeries(Base):
    """A named series of one job."""

    __tablename__ = "metric_series"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))

    __table_args__ = (UniqueConstraint("job_id", "name"),)


class MetricPoint(Base):
    """One value; None with its kind in `nonfinite` where it was not a finite number."""

    __tablename__ = "metric_points"

    series_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("metric_series.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    step: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    value: Mapped[float | None]
    nonfinite: Mapped[str | None] = mapped_column(String(4))
    time: Mapped[float]

    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012


class MetricBucket(Base):
    """What `BUCKET_STEPS` steps of a series come to, so that a chart of a long run need not read it all.

    `low` and `high` are of the finite values, None where there is none; `num_nonfinite` counts the others.
    """

    __tablename__ = "metric_buckets"

    series_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("metric_series.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    bucket: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    low: Mapped[float | None]
    high: Mapped[float | None]
    last_step: Mapped[int] = mapped_column(RowId)
    num_nonfinite: Mapped[int]

    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012


class _Written:
    """What every row written by an attempt carries."""

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"))
    token: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Checkpoint(_Written, Base):
    """A stored file whose hash was verified. `uri` is the store's."""

    __tablename__ = "checkpoints"

    kind: Mapped[str] = mapped_column(String(16))
    step: Mapped[int]
    epoch: Mapped[int]
    uri: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (UniqueConstraint("job_id", "kind", "step"),)


class Artifact(_Written, Base):
    """Another stored file of a job."""

    __tablename__ = "artifacts"

    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    uri: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("job_id", "name"),
        Index("ix_artifacts_name_sha256", "name", "sha256"),
    )


class Evaluation(_Written, Base):
    """The COCO numbers of one checkpoint on one split, as fractions, unrounded."""

    __tablename__ = "evaluations"

    split: Mapped[str] = mapped_column(String(8))
    step: Mapped[int]
    epoch: Mapped[int]
    evaluator: Mapped[str] = mapped_column(String(100))
    dataset_hash: Mapped[str] = mapped_column(String(64))
    num_images: Mapped[int]
    num_boxes: Mapped[int]
    metrics: Mapped[dict[str, Any]]
    per_class: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("job_id", "split", "step"),)


class ResampledAp(Base):
    """The AP of each draw of the images that match arrays are of; none where these could not be read.

    Keyed by the arrays' content, and written by `service.jobs.resample`: what was reused is drawn from once.
    """

    __tablename__ = "resampled_ap"

    matches_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    num_draws: Mapped[int]
    values: Mapped[bytes] = mapped_column(LargeBinary)


class LogChunk(Base):
    """Consecutive bytes of what a child printed, as text."""

    __tablename__ = "log_chunks"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    text: Mapped[str] = mapped_column(PrintedText)
