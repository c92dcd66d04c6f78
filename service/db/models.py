"""The tables. Every relation is loaded on purpose (`lazy="raise"`); constraints are named."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from service.db.states import AttemptState, DesiredState, JobState
from service.db.types import ID_LENGTH, PrintedText, UtcDateTime, named_values, new_id, utc_now

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Id = String(ID_LENGTH)
RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of all models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        JobState: named_values(JobState),
        DesiredState: named_values(DesiredState),
        AttemptState: named_values(AttemptState),
    }


class Experiment(Base):
    """What a user submitted. Its state is derived from its jobs."""

    __tablename__ = "experiments"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    spec: Mapped[dict[str, Any]]
    submitted_by: Mapped[str | None] = mapped_column(String(200), index=True)
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


class Job(Base):
    """One unit of work. `token` is the fencing token of the newest attempt; 0 before the first.

    `rank` orders the queue: smallest first. `position` is the job's place within its experiment.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    experiment_id: Mapped[str | None] = mapped_column(
        Id, ForeignKey("experiments.id", ondelete="CASCADE"), index=True
    )
    position: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(16))
    role: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    method: Mapped[str | None] = mapped_column(String(64), index=True)
    seed: Mapped[int]
    spec: Mapped[dict[str, Any]]
    job_key: Mapped[str] = mapped_column(String(64), index=True)
    submitted_by: Mapped[str | None] = mapped_column(String(200))

    state: Mapped[JobState]
    desired_state: Mapped[DesiredState] = mapped_column(default=DesiredState.RUN)
    priority: Mapped[int] = mapped_column(default=0)
    rank: Mapped[float] = mapped_column(default=0.0)
    gpus: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    token: Mapped[int] = mapped_column(default=0)
    num_attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3)

    phase: Mapped[str | None] = mapped_column(String(16))
    step: Mapped[int] = mapped_column(default=0)
    total_steps: Mapped[int] = mapped_column(default=0)
    epoch: Mapped[int] = mapped_column(default=0)
    total_epochs: Mapped[int] = mapped_column(default=0)
    eta_seconds: Mapped[float | None]
    latest_loss: Mapped[float | None]
    latest_ap: Mapped[float | None]

    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(PrintedText)
    reason_field: Mapped[str | None] = mapped_column(String(200))

    experiment: Mapped[Experiment | None] = relationship(back_populates="jobs", lazy="raise")
    attempts: Mapped[list["Attempt"]] = relationship(
        lazy="raise", passive_deletes=True, order_by="Attempt.token"
    )

    __table_args__ = (
        Index("ix_jobs_queue", "rank", "id", sqlite_where=text("state = 'queued'"),
              postgresql_where=text("state = 'queued'")),
        Index("ix_jobs_created_at_id", "created_at", "id"),
    )  # fmt: skip


class JobDependency(Base):
    """`job_id` waits for `depends_on_id`, and takes its weights as `role` (teacher)."""

    __tablename__ = "job_dependencies"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    depends_on_id: Mapped[str] = mapped_column(
        Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16), default="teacher")


class Worker(Base):
    """One Celery worker on one host."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(64))
    devices: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="online")
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    heartbeat_at: Mapped[datetime] = mapped_column(default=utc_now)


class Attempt(Base):
    """One try at a job by one worker. At most one attempt of a job is running."""

    __tablename__ = "attempts"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"))
    worker_id: Mapped[str | None] = mapped_column(Id, ForeignKey("workers.id", ondelete="SET NULL"))
    token: Mapped[int]
    state: Mapped[AttemptState] = mapped_column(default=AttemptState.RUNNING)
    host: Mapped[str | None] = mapped_column(String(200))
    pid: Mapped[int | None]
    process_started_at: Mapped[float | None]
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    heartbeat_at: Mapped[datetime] = mapped_column(default=utc_now)
    lease_expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(PrintedText)
    resumed_from_step: Mapped[int | None]
    environment: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("job_id", "token"),
        Index("uq_attempts_one_running", "job_id", unique=True,
              sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'")),
        Index("ix_attempts_lease", "lease_expires_at",
              sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'")),
    )  # fmt: skip


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
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("job_id", "name"),)


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


class LogChunk(Base):
    """Consecutive bytes of what a child printed, as text."""

    __tablename__ = "log_chunks"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    token: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    text: Mapped[str] = mapped_column(PrintedText)


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
