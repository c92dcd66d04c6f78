"""Gathers what is told of an end: the job or the experiment, what came of it, and where to look."""

from collections import Counter
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.comparison.guard import IncomparableError
from service.comparison.load import comparison_of
from service.comparison.standing import best_row
from service.db.models import Evaluation, Experiment, Job, Notice, Webhook
from service.db.notices import EXPERIMENT_FINISHED, TEST
from service.db.states import experiment_state
from service.webhooks.payloads import Happening

OVER = frozenset({"succeeded", "failed", "blocked", "cancelled"})
"""States of an experiment out of which nothing moves by itself."""


def job_ended(session: Session, notice: Notice, public_url: str) -> Happening:
    """The end of the notice's job, as it was then."""
    job = session.get_one(Job, notice.job_id)
    experiment = session.get(Experiment, job.experiment_id) if job.experiment_id else None
    told = ("id", "name", "kind", "role", "label", "method", "seed", "submitted_by")
    data = {
        "job": {
            **{name: getattr(job, name) for name in told},
            **notice.data,
            "started_at": job.started_at and job.started_at.isoformat(),
            "results": _results(session, job),
            "url": f"{public_url}/jobs/{job.id}",
        },
        "experiment": None if experiment is None else _named(experiment, public_url),
    }
    return Happening(event_id=notice.id, event=notice.event, moment=notice.created_at, data=data)


def finish_of(session: Session, experiment_id: str) -> str | None:
    """An id for how the experiment has finished; another one where it goes on and finishes again.

    None while something of it is still to be done.
    """
    jobs = session.execute(select(Job.state, Job.finished_at).where(Job.experiment_id == experiment_id)).all()
    if not jobs or experiment_state([job.state for job in jobs]) not in OVER:
        return None
    last = max((job.finished_at for job in jobs if job.finished_at is not None), default=None)
    ended = "" if last is None else last.isoformat()
    return sha256(f"{experiment_id} {ended} {len(jobs)}".encode()).hexdigest()[:16]


def experiment_finished(session: Session, notice: Notice, public_url: str) -> Happening:
    """The end of the experiment of the notice's job, with its verdict."""
    job = session.get_one(Job, notice.job_id)
    experiment = session.get_one(Experiment, job.experiment_id)
    states = session.scalars(select(Job.state).where(Job.experiment_id == experiment.id)).all()
    found = {
        **_named(experiment, public_url),
        "state": experiment_state(list(states)),
        "job_states": {state.value: number for state, number in sorted(Counter(states).items())},
        **_verdict(session, experiment),
    }
    return Happening(
        event_id=notice.id,
        event=EXPERIMENT_FINISHED,
        moment=notice.created_at,
        data={"experiment": found},
    )


def trial(webhook: Webhook, event_id: str, moment: datetime) -> Happening:
    """What is sent to try a webhook."""
    data = {"webhook": {"id": webhook.id, "name": webhook.name}}
    return Happening(event_id=event_id, event=TEST, moment=moment, data=data)


def _named(experiment: Experiment, public_url: str) -> dict[str, Any]:
    return {
        "id": experiment.id,
        "name": experiment.name,
        "submitted_by": experiment.submitted_by,
        "url": f"{public_url}/experiments/{experiment.id}",
    }


def _results(session: Session, job: Job) -> dict[str, Any]:
    """The job's last numbers on each split."""
    rows = session.scalars(
        select(Evaluation).where(Evaluation.job_id == job.id).order_by(Evaluation.split, Evaluation.step)
    )
    return {row.split: {"step": row.step, **row.metrics} for row in rows}


def _verdict(session: Session, experiment: Experiment) -> dict[str, Any]:
    try:
        comparison = comparison_of(session, experiment.id)
    except IncomparableError as error:
        return {"baseline": None, "verdict": str(error), "best": None}
    best = best_row(comparison)
    told = ("label", "ap", "delta_ap", "n", "is_clear")
    return {
        "baseline": comparison.baseline,
        "verdict": comparison.verdict,
        "best": None if best.ap is None else {name: getattr(best, name) for name in told},
    }
