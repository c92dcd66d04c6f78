"""Jobs, what they wait for, and the attempts that workers make at them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db.models.base import Base, Id
from service.db.models.experiments import Experiment
from service.db.states import AttemptState, DesiredState, JobState
from service.db.types import PrintedText, new_id, utc_now
from service.telemetry.logs import current_request_id


class Job(Base):
    """One unit of work. `token` is the fencing token of the newest attempt; 0 before the first.

    `num_attempts` counts the attempts in a row that failed and saved no newer state, with the present one:
    those that `max_attempts` limits.
    `rank` orders the queue: smallest first. `position` is the job's place within its experiment. `search` is
    what the options of its method may be, and what was found of them; `service.db.search` writes it.
    A job with `reuse` may take over what another of the same `job_key` ended with, instead of being run;
    `reused_from` then is the id of the one that ran, which may have been deleted since.
    `request_id` is that of the request that submitted it, for the logs of all that came of it.
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
    owner_key_id: Mapped[str | None] = mapped_column(Id, index=True)
    request_id: Mapped[str | None] = mapped_column(String(64), default=current_request_id)

    state: Mapped[JobState]
    desired_state: Mapped[DesiredState] = mapped_column(default=DesiredState.RUN)
    priority: Mapped[int] = mapped_column(default=0)
    rank: Mapped[float] = mapped_column(default=0.0)
    gpus: Mapped[int] = mapped_column(default=0)
    compiled_operators: Mapped[bool] = mapped_column(default=False, server_default=false())
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
    reuse: Mapped[bool] = mapped_column(default=False, server_default=false())
    reused_from: Mapped[str | None] = mapped_column(Id)

    cost: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    search: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

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
        Index("ix_jobs_owner_open", "owner_key_id", "state",
              sqlite_where=text("state IN ('waiting', 'queued', 'running')"),
              postgresql_where=text("state IN ('waiting', 'queued', 'running')")),
        Index("ix_jobs_owner_queue", "owner_key_id", "gpus", "rank", "id",
              sqlite_where=text("state = 'queued'"), postgresql_where=text("state = 'queued'")),
    )  # fmt: skip


class JobDependency(Base):
    """`job_id` waits for `depends_on_id`, to take its weights (`role` teacher) or what it found (search)."""

    __tablename__ = "job_dependencies"

    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    depends_on_id: Mapped[str] = mapped_column(
        Id, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16), default="teacher")


class Worker(Base):
    """One Celery worker on one host.

    `desired_state` is `run`, or `drain`: finish what runs and take no more. `usage` is what it last said of
    its host's processors, memory and GPUs.
    """

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    host: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(64))
    devices: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16), default="online")
    desired_state: Mapped[str] = mapped_column(String(16), default="run", server_default="run")
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
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
