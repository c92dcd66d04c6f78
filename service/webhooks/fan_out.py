"""Turns notices of ends into deliveries, one for each webhook that asked for it."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.db.leases import now
from service.db.models import Job, Notice
from service.db.notices import EXPERIMENT_FINISHED
from service.db.upsert import upsert
from service.db.webhooks import add_delivery, interested
from service.jobs.resample import awaits_draws
from service.webhooks.happenings import experiment_finished, finish_of, job_ended
from service.webhooks.payloads import PAYLOADS, Happening

BATCH = 50
PATIENCE = timedelta(minutes=10)
"""So long an experiment's verdict waits for the interval of its difference."""


def fan_out(factory: sessionmaker[Session], public_url: str) -> int:
    """Make deliveries of what has ended; gives how many notices that settled.

    A notice goes in the transaction that writes its deliveries: whoever dies in between leaves it.
    """
    with factory.begin() as session:
        waits = Notice.event == EXPERIMENT_FINISHED  # behind those that never do
        statement = select(Notice).order_by(waits, Notice.created_at, Notice.id).limit(BATCH)
        notices = session.scalars(statement.with_for_update(skip_locked=True)).all()
        return sum(_settled(session, notice, public_url) for notice in notices)


def _settled(session: Session, notice: Notice, public_url: str) -> bool:
    if notice.event == EXPERIMENT_FINISHED:
        if _is_to_wait(session, notice):
            return False
        _tell(session, notice, experiment_finished(session, notice, public_url))
    else:
        _tell(session, notice, job_ended(session, notice, public_url))
        _note_finish(session, notice)
    session.delete(notice)
    session.flush()
    return True


def _tell(session: Session, notice: Notice, happening: Happening) -> None:
    for webhook in interested(session, notice, happening.event):
        body = PAYLOADS[webhook.payload](happening)
        add_delivery(session, webhook, event_id=happening.event_id, event=happening.event, body=body)


def _note_finish(session: Session, notice: Notice) -> None:
    """Leave a notice where this was an experiment's last job; where two ended last, both leave the same."""
    job = session.get_one(Job, notice.job_id)
    if job.experiment_id is None or not interested(session, notice, EXPERIMENT_FINISHED):
        return
    finish_id = finish_of(session, job.experiment_id)
    if finish_id is not None:
        row = {
            "id": finish_id,
            "job_id": job.id,
            "event": EXPERIMENT_FINISHED,
            "data": {},
            "created_at": notice.created_at,
        }
        upsert(session, Notice, [row], key=("id",))


def _is_to_wait(session: Session, notice: Notice) -> bool:
    experiment_id = session.get_one(Job, notice.job_id).experiment_id
    assert experiment_id is not None, "a job of its own finishes no experiment"
    return now(session) < notice.created_at + PATIENCE and awaits_draws(session, experiment_id)
