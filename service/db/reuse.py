"""The result of a job that another one of the same key may take over instead of being run."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, text
from sqlalchemy.orm import Session

from frs_core.events import CheckpointKind
from frs_core.spec import JobKind, JobSpec
from service.db.buckets import keep_buckets
from service.db.models import (
    Artifact,
    Checkpoint,
    Evaluation,
    Event,
    Job,
    JobDependency,
    MetricPoint,
    MetricSeries,
)
from service.db.states import JobState

MAX_DONORS = 20
"""So many of the newest with a key are looked at."""

_PROGRESS = ("phase", "step", "total_steps", "epoch", "total_epochs", "latest_loss", "latest_ap", "cost")


def donor_of(session: Session, job: Job) -> Job | None:
    """A job that succeeded with the same key, if this one may be reused and was never tried; else None.

    One that only was imported is none, nor one that learnt from other weights: the key of a student says how
    its teacher is trained, and where that is done twice, two devices may end with different ones. The donor's
    row stays locked until the transaction ends, so that nobody deletes its files meanwhile.
    """
    if not job.reuse or job.token:
        return None
    stored = select(Checkpoint.id).where(
        Checkpoint.job_id == Job.id, Checkpoint.kind == CheckpointKind.WEIGHTS.value
    )
    statement = (
        select(Job)
        .where(
            Job.job_key == job.job_key,
            Job.id != job.id,
            Job.state == JobState.SUCCEEDED,
            or_(Job.token > 0, Job.reused_from.is_not(None)),
            stored.exists(),
        )
        .order_by(Job.finished_at.desc(), Job.id)
        .limit(MAX_DONORS)
        .with_for_update(read=True)
    )
    weights = _teachers_weights(session, job)
    donors = session.scalars(statement).all()
    return next((donor for donor in donors if _teachers_weights(session, donor) == weights), None)


def waiting_for(session: Session, donor: Job) -> Sequence[Job]:
    """The queued jobs, locked, that may take over what a job has just ended with."""
    statement = (
        select(Job)
        .where(
            Job.job_key == donor.job_key,
            text("jobs.state = 'queued'"),
            Job.reuse,
            Job.token == 0,
        )
        .order_by(Job.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    weights = _teachers_weights(session, donor)
    return [job for job in session.scalars(statement) if _teachers_weights(session, job) == weights]


def copy_result(session: Session, donor: Job, job: Job, moment: datetime) -> None:
    """Give `job` the rows of all that `donor` ended with; the files are shared, states stay behind."""
    for name in _PROGRESS:
        setattr(job, name, getattr(donor, name))
    job.reused_from = donor.reused_from or donor.id
    _copy_metrics(session, donor.id, job.id)
    _copy(session, Evaluation, donor.id, job.id)
    _copy(session, Artifact, donor.id, job.id)
    _copy(session, Checkpoint, donor.id, job.id)
    warnings = select(Event).where(Event.job_id == donor.id, Event.kind == "job.warning").order_by(Event.id)
    for event in session.scalars(warnings):
        session.add(
            Event(
                experiment_id=job.experiment_id, job_id=job.id, kind=event.kind,
                message=event.message, data=event.data, created_at=moment,
            )
        )  # fmt: skip
    session.flush()


def _teachers_weights(session: Session, job: Job) -> str | None:
    """The hash of what a student learns from, where another job made it; None for one that reads none."""
    if job.kind != JobKind.DISTILL or not JobSpec.model_validate(job.spec).needs_teacher:
        return None
    statement = (
        select(Checkpoint.sha256)
        .join(JobDependency, JobDependency.depends_on_id == Checkpoint.job_id)
        .where(
            JobDependency.job_id == job.id,
            JobDependency.role == "teacher",
            Checkpoint.kind == CheckpointKind.WEIGHTS.value,
        )
        .order_by(Checkpoint.step.desc())
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def _copy(
    session: Session, table: type[Evaluation] | type[Artifact] | type[Checkpoint], donor: str, job: str
) -> None:
    names = [column.key for column in table.__table__.columns if column.key not in ("id", "job_id", "token")]
    for row in session.scalars(select(table).where(table.job_id == donor)):
        if not (isinstance(row, Checkpoint) and row.kind == CheckpointKind.STATE):
            values: dict[str, Any] = {name: getattr(row, name) for name in names}
            session.add(table(**values, job_id=job, token=0))


def _copy_metrics(session: Session, donor: str, job: str) -> None:
    series = session.scalars(select(MetricSeries).where(MetricSeries.job_id == donor)).all()
    mine = {each.id: MetricSeries(job_id=job, name=each.name) for each in series}
    session.add_all(mine.values())
    session.flush()
    for origin, copy in mine.items():
        points = select(
            text(str(int(copy.id))),
            MetricPoint.step, MetricPoint.value, MetricPoint.nonfinite, MetricPoint.time,
        ).where(MetricPoint.series_id == origin)  # fmt: skip
        columns = ["series_id", "step", "value", "nonfinite", "time"]
        session.execute(insert(MetricPoint).from_select(columns, points))
    ends = select(func.max(MetricPoint.step)).where(
        MetricPoint.series_id.in_(each.id for each in mine.values())
    )
    keep_buckets(
        session, [each.id for each in mine.values()], first_step=0, last_step=session.scalar(ends) or 0
    )
