"""The workers that are or were there."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from service.db.leases import now
from service.db.models import Event, Worker
from service.db.types import new_id


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


def beat_worker(session: Session, worker_id: str) -> None:
    """Record that the worker is alive."""
    session.execute(
        update(Worker).where(Worker.id == worker_id).values(heartbeat_at=now(session), state="online")
    )


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
