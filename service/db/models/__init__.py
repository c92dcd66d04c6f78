"""The tables. Every relation is loaded on purpose (`lazy="raise"`); constraints are named."""

from service.db.models.base import Base
from service.db.models.experiments import Experiment, ExperimentTag
from service.db.models.jobs import Attempt, Job, JobDependency, Worker
from service.db.models.messages import Event, IdempotencyKey, OutboxMessage
from service.db.models.recorded import (
    Artifact,
    Checkpoint,
    Evaluation,
    LogChunk,
    MetricPoint,
    MetricSeries,
    ResampledAp,
)

__all__ = [
    "Artifact",
    "Attempt",
    "Base",
    "Checkpoint",
    "Evaluation",
    "Event",
    "Experiment",
    "ExperimentTag",
    "IdempotencyKey",
    "Job",
    "JobDependency",
    "LogChunk",
    "MetricPoint",
    "MetricSeries",
    "OutboxMessage",
    "ResampledAp",
    "Worker",
]
