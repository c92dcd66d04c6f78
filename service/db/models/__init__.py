"""The tables. Every relation is loaded on purpose (`lazy="raise"`); constraints are named."""

from service.db.models.access import ApiKey, AuditEntry, EndedSession, LoginTicket
from service.db.models.base import Base
from service.db.models.datasets import Dataset, DatasetUse, DatasetVersion
from service.db.models.experiments import CitedRow, Experiment, ExperimentTag
from service.db.models.files import RetentionPolicy, SigningSecret
from service.db.models.jobs import Attempt, Job, JobDependency, Worker
from service.db.models.messages import ChoreRuns, Event, IdempotencyKey, OutboxMessage
from service.db.models.notices import Delivery, DeliveryTry, MlflowRun, Notice, Webhook
from service.db.models.recorded import (
    Artifact,
    Checkpoint,
    Evaluation,
    LogChunk,
    MetricBucket,
    MetricPoint,
    MetricSeries,
    ResampledAp,
)
from service.db.models.standings import Standing, StandingFacet, StandingsWatermark

__all__ = [
    "ApiKey",
    "Artifact",
    "Attempt",
    "AuditEntry",
    "Base",
    "Checkpoint",
    "ChoreRuns",
    "CitedRow",
    "Dataset",
    "DatasetUse",
    "DatasetVersion",
    "Delivery",
    "DeliveryTry",
    "EndedSession",
    "Evaluation",
    "Event",
    "Experiment",
    "ExperimentTag",
    "IdempotencyKey",
    "Job",
    "JobDependency",
    "LogChunk",
    "LoginTicket",
    "MetricBucket",
    "MetricPoint",
    "MetricSeries",
    "MlflowRun",
    "Notice",
    "OutboxMessage",
    "ResampledAp",
    "RetentionPolicy",
    "SigningSecret",
    "Standing",
    "StandingFacet",
    "StandingsWatermark",
    "Webhook",
    "Worker",
]
