"""What a search has found: the method of a job whose options were searched for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Evaluation, Event, Job, JobDependency
from service.db.states import JobState

SEARCH = "search"
"""The role of a job that tries values, and of what those that are judged depend on it as."""

DIVERGED = "nonfinite_loss"
"""A run that fails so has been tried: its values are no good."""

SPLIT = "val"


def has_been_tried(job: Job) -> bool:
    """Whether a search job has an answer: an AP, or a loss that left the numbers."""
    return job.state is JobState.SUCCEEDED or (
        job.role == SEARCH and job.state is JobState.FAILED and job.reason_code == DIVERGED
    )


def choose(session: Session, job: Job, moment: datetime) -> bool:
    """Give a job the best tried method, judged on `val` by the last checkpoint; the first of equals.

    A job that is not searched for, or was given its method before, stays as it is. False, and nothing
    changed, where every try diverged.
    `job.search` holds what can be chosen when the job is written, and from here on what was.
    """
    if job.search is None or "chosen" in job.search:
        return True
    tried = [
        {"values": candidate["values"], "job_id": search_id, "ap": _last_ap(session, search_id)}
        for candidate, search_id in zip(job.search["candidates"], _search_ids(session, job), strict=True)
    ]
    found = [(each["ap"], -number) for number, each in enumerate(tried) if each["ap"] is not None]
    if not found:
        return False
    best = -max(found)[1]
    candidate = job.search["candidates"][best]
    job.spec = {**job.spec, "method": candidate["method"]}
    job.job_key = candidate["job_key"]
    job.search = {**job.search, "tried": tried, "chosen": best, "split": SPLIT}
    session.add(
        Event(
            experiment_id=job.experiment_id,
            job_id=job.id,
            kind="search.chosen",
            message=f"{job.name} takes {candidate['values']}, the best of {len(tried)} tried on {SPLIT}",
            data={"tried": tried, "chosen": best},
            created_at=moment,
        )
    )
    return True


def _search_ids(session: Session, job: Job) -> Sequence[str]:
    """In the order of the candidates."""
    return session.scalars(
        select(Job.id)
        .join(JobDependency, JobDependency.depends_on_id == Job.id)
        .where(JobDependency.job_id == job.id, JobDependency.role == SEARCH)
        .order_by(Job.position)
    ).all()


def _last_ap(session: Session, job_id: str) -> float | None:
    last = (
        select(Evaluation)
        .join(Job, Job.id == Evaluation.job_id)
        .where(Job.id == job_id, Job.state == JobState.SUCCEEDED, Evaluation.split == SPLIT)
        .order_by(Evaluation.step.desc())
        .limit(1)
    )
    evaluation = session.scalars(last).one_or_none()
    return None if evaluation is None else evaluation.metrics.get("ap")
