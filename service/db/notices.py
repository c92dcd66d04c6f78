"""Leaves word of a job's end for the webhooks, in the transaction that ends it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Job, Notice, Webhook

JOB_EVENTS = ("job.succeeded", "job.failed", "job.cancelled")
EXPERIMENT_FINISHED = "experiment.finished"
EVENTS = (*JOB_EVENTS, EXPERIMENT_FINISHED)
"""What a webhook may ask to be told of."""

TEST = "webhook.test"
"""What one is told when somebody tries it."""


def note_end(session: Session, job: Job, moment: datetime) -> None:
    """Keep how the job has just ended, where there is any webhook. Whom to tell is found out elsewhere."""
    if session.scalar(select(Webhook.id).where(Webhook.enabled).limit(1)) is None:
        return
    data = {
        "state": job.state.value,
        "reason_code": job.reason_code,
        "reason": job.reason,
        "finished_at": moment.isoformat(),
    }
    session.add(Notice(job_id=job.id, event=f"job.{job.state}", data=data, created_at=moment))
