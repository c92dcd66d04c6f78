"""What an attempt records of its job. Without the lease each verb raises StaleLeaseError."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from frs_core.events import (
    ArtifactEvent,
    CheckpointEvent,
    CheckpointKind,
    CostEvent,
    DatasetEvent,
    EnvironmentEvent,
    EvaluationEvent,
    Event,
    MetricEvent,
    ProgressEvent,
    WarningEvent,
)
from service.db.dataset_checks import take_version_report
from service.db.leases import Lease, StaleLeaseError, hold
from service.db.metrics import write_points
from service.db.models import Artifact, Attempt, Checkpoint, Evaluation, Job, LogChunk
from service.db.models import Event as EventRow
from service.db.preflight import take_report
from service.db.states import DesiredState
from service.db.types import new_id
from service.db.upsert import upsert

KEEP_STATE_CHECKPOINTS = 2


def record_process(session: Session, lease: Lease, *, host: str, pid: int, process_started_at: float) -> None:
    """Record which process does the work; `process_started_at` tells it from later ones of the same pid."""
    hold(session, lease, host=host, pid=pid, process_started_at=process_started_at)


def heartbeat(session: Session, lease: Lease, *, lease_seconds: float) -> DesiredState:
    """Renew the lease. Returns what the user wants of the job."""
    moment = hold(session, lease)
    hold(session, lease, lease_expires_at=moment + timedelta(seconds=lease_seconds))
    return session.scalars(select(Job.desired_state).where(Job.id == lease.job_id)).one()


def record(session: Session, lease: Lease, events: Sequence[Event]) -> None:
    """Record metrics, progress, evaluations and what else a run says; the same again change nothing.

    Raises TypeError for checkpoints, artifacts and results: they have verbs of their own.
    """
    for event in events:
        if not isinstance(
            event,
            MetricEvent
            | ProgressEvent
            | EvaluationEvent
            | CostEvent
            | WarningEvent
            | EnvironmentEvent
            | DatasetEvent,
        ):
            raise TypeError(f"a {event.type} event is not recorded by `record`: it has a verb of its own")
    hold(session, lease)
    job = session.get_one(Job, lease.job_id, populate_existing=True)
    _record_metrics(session, job, [event for event in events if isinstance(event, MetricEvent)])
    _record_evaluations(session, lease, [event for event in events if isinstance(event, EvaluationEvent)])
    _record_warnings(session, job, [event for event in events if isinstance(event, WarningEvent)])
    for event in events:
        if isinstance(event, ProgressEvent):
            _record_progress(job, event)
        elif isinstance(event, EvaluationEvent) and event.split == "val":
            job.latest_ap = event.metrics.get("ap")
        elif isinstance(event, CostEvent):
            job.cost = event.cost.model_dump(mode="json")
        elif isinstance(event, DatasetEvent) and job.experiment_id is not None:
            take_report(session, job.experiment_id, event.report)
        elif isinstance(event, DatasetEvent):
            take_version_report(session, job.id, event.report, event.statistics)
        elif isinstance(event, EnvironmentEvent):
            attempt = session.get_one(Attempt, lease.attempt_id, populate_existing=True)
            attempt.environment = {**(attempt.environment or {}), **event.values}
            session.flush()


def record_checkpoint(
    session: Session, lease: Lease, event: CheckpointEvent, *, uri: str, keep: int = KEEP_STATE_CHECKPOINTS
) -> list[str]:
    """Record a stored checkpoint whose hash was verified; the last `keep` states and one `best` stay.

    Returns the URIs that nothing refers to any longer; delete the files after the commit.
    """
    hold(session, lease)
    before = _uris(session, lease.job_id)
    values = {
        "job_id": lease.job_id, "token": lease.token, "kind": event.kind.value,
        "step": event.step, "epoch": event.epoch, "uri": uri, "sha256": event.sha256,
        "size_bytes": event.size_bytes, "details": event.metadata,
    }  # fmt: skip
    changing = ("token", "epoch", "uri", "sha256", "size_bytes", "details")
    upsert(session, Checkpoint, [{"id": new_id(), **values}], key=("job_id", "kind", "step"), update=changing)
    if event.kind is CheckpointKind.STATE:
        _drop_superseded(session, lease.job_id, keep)
    elif event.kind is CheckpointKind.BEST:
        _drop_other_best(session, lease.job_id, event.step)
    return unreferenced(session, before)


def forget_checkpoint(session: Session, lease: Lease, checkpoint_id: str) -> None:
    """Forget a checkpoint of the job whose stored file turned out to be no good."""
    hold(session, lease)
    damaged = (Checkpoint.id == checkpoint_id, Checkpoint.job_id == lease.job_id)
    session.execute(delete(Checkpoint).where(*damaged), execution_options={"synchronize_session": False})


def record_artifact(session: Session, lease: Lease, event: ArtifactEvent, *, uri: str) -> None:
    """Record another stored file; one of the same name replaces it."""
    hold(session, lease)
    values = {
        "job_id": lease.job_id, "token": lease.token, "name": event.name, "media_type": event.media_type,
        "uri": uri, "sha256": event.sha256, "size_bytes": event.size_bytes,
    }  # fmt: skip
    changing = ("token", "media_type", "uri", "sha256", "size_bytes")
    upsert(session, Artifact, [{"id": new_id(), **values}], key=("job_id", "name"), update=changing)


def append_log(session: Session, lease: Lease, *, offset: int, text: str) -> None:
    """Append what the child printed at byte `offset` of this attempt's log; repeating it changes nothing."""
    hold(session, lease)
    row = {"job_id": lease.job_id, "token": lease.token, "offset": offset, "text": text}
    upsert(session, LogChunk, [row], key=("job_id", "token", "offset"))


def unreferenced(session: Session, uris: set[str]) -> list[str]:
    """Those of the URIs that no checkpoint and no artifact refers to."""
    kept: set[str] = set()
    for table in (Checkpoint, Artifact):
        kept.update(session.scalars(select(table.uri).where(table.uri.in_(uris))))
    return sorted(uris - kept)


def _record_metrics(session: Session, job: Job, events: Sequence[MetricEvent]) -> None:
    write_points(session, job.id, events)
    for event in events:
        if "train/loss" in event.values:
            job.latest_loss = event.values["train/loss"]


def _record_evaluations(session: Session, lease: Lease, events: Sequence[EvaluationEvent]) -> None:
    rows = {
        (event.split, event.step): {
            "id": new_id(),
            "job_id": lease.job_id,
            "token": lease.token,
            **event.model_dump(exclude={"type", "time"}),
        }
        for event in events
    }
    changing = (
        "token",
        "epoch",
        "evaluator",
        "dataset_hash",
        "num_images",
        "num_boxes",
        "metrics",
        "per_class",
    )
    upsert(session, Evaluation, list(rows.values()), key=("job_id", "split", "step"), update=changing)


def _record_warnings(session: Session, job: Job, events: Sequence[WarningEvent]) -> None:
    if not events:
        return
    statement = select(EventRow.message).where(EventRow.job_id == job.id, EventRow.kind == "job.warning")
    known = set(session.scalars(statement))
    for event in events:
        if event.message not in known:
            known.add(event.message)
            data = event.model_dump(mode="json", include={"code", "count", "details"})
            session.add(
                EventRow(
                    experiment_id=job.experiment_id,
                    job_id=job.id,
                    kind="job.warning",
                    message=event.message,
                    data=data,
                )
            )


def _record_progress(job: Job, event: ProgressEvent) -> None:
    job.phase = event.phase
    if event.phase != "evaluating":  # between two stretches of training, what was left still is
        job.eta_seconds = event.eta_seconds
    job.step, job.total_steps = event.step, event.total_steps
    job.epoch, job.total_epochs = event.epoch, event.total_epochs


def _uris(session: Session, job_id: str) -> set[str]:
    return set(session.scalars(select(Checkpoint.uri).where(Checkpoint.job_id == job_id)))


def _drop_superseded(session: Session, job_id: str, keep: int) -> None:
    states = (Checkpoint.job_id == job_id, Checkpoint.kind == CheckpointKind.STATE.value)
    newest = select(Checkpoint.id).where(*states).order_by(Checkpoint.step.desc()).limit(keep)
    kept = list(session.scalars(newest))
    session.execute(
        delete(Checkpoint).where(*states, Checkpoint.id.not_in(kept)),
        execution_options={"synchronize_session": False},
    )


def _drop_other_best(session: Session, job_id: str, step: int) -> None:
    """The newest best is the best, even where a run began again from before an older one."""
    others = (
        Checkpoint.job_id == job_id,
        Checkpoint.kind == CheckpointKind.BEST.value,
        Checkpoint.step != step,
    )
    session.execute(delete(Checkpoint).where(*others), execution_options={"synchronize_session": False})


__all__ = [
    "StaleLeaseError",
    "append_log",
    "forget_checkpoint",
    "heartbeat",
    "record",
    "record_artifact",
    "record_checkpoint",
    "record_process",
    "unreferenced",
]
