"""The workers that are or were there."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from service.db.leases import now
from service.db.models import Event, Worker
from service.db.types import new_id

RUN = "run"
DRAIN = "drain"


def register_worker(
    session: Session, *, host: str, pid: int, version: str, devices: Mapping[str, Any]
) -> str:
    """Record a worker that has started. Returns its id."""
    moment = now(session)
    worker = Worker(
        id=new_id(),
        host=host,
        pid=pid,
        version=version,
        devices=dict(devices),
        started_at=moment,
        heartbeat_at=moment,
    )
    session.add(worker)
    session.flush()
    return worker.id


def beat_worker(session: Session, worker_id: str, *, usage: Mapping[str, Any] | None = None) -> bool:
    """Record that the worker is alive and what it uses; gives whether it may take jobs."""
    statement = (
        update(Worker)
        .where(Worker.id == worker_id)
        .values(heartbeat_at=now(session), state="online", usage=None if usage is None else dict(usage))
        .returning(Worker.desired_state)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(statement).one_or_none() != DRAIN


def drain_worker(session: Session, worker_id: str, *, drain: bool) -> None:
    """Have a worker finish what runs and take no more, or take jobs again. It hears of it with its next beat.

    Raises NoResultFound.
    """
    worker = session.get_one(Worker, worker_id, with_for_update=True)
    worker.desired_state = DRAIN if drain else RUN
    message = f"worker {worker.id} on {worker.host} is to " + ("take no more jobs" if drain else "take jobs")
    data = {"worker_id": worker.id, "desired_state": worker.desired_state}
    session.add(Event(kind="worker.changed", message=message, data=data, created_at=now(session)))
    session.flush()


def retire_worker(session: Session, worker_id: str) -> None:
    """Record that the worker has left in good order."""
    session.execute(
        update(Worker).where(Worker.id == worker_id).values(heartbeat_at=now(session), state="offline")
    )


def notice_lost_workers(session: Session, *, silent_seconds: float) -> list[str]:
    """Mark the online workers that were silent for so long as `lost`, with an event; returns their ids."""
    moment = now(session)
    statement = (
        update(Worker)
        .where(Worker.state == "online", Worker.heartbeat_at < moment - timedelta(seconds=silent_seconds))
        .values(state="lost")
        .returning(Worker.id, Worker.host, Worker.pid)
        .execution_options(synchronize_session=False)
    )
    lost = session.execute(statement).all()
    for worker in lost:
        message = f"worker {worker.id} on {worker.host} (process {worker.pid}) stopped reporting"
        data = {"worker_id": worker.id, "host": worker.host, "pid": worker.pid}
        session.add(Event(kind="worker.lost", message=message, data=data, created_at=moment))
    session.flush()
    return [worker.id for worker in lost]
