"""The workers: what they have, what they do, and whether they take jobs."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy.orm import Session

from service.api.bodies import JsonRoute
from service.api.dependencies import Reading, Writing
from service.api.views import Page, View
from service.db import ledger, queries
from service.db.models import Worker

router = APIRouter(prefix="/workers", route_class=JsonRoute, tags=["workers"])


class WorkerJob(View):
    """A job that a worker has in hand."""

    id: str
    name: str
    experiment_id: str | None
    gpus: int


class WorkerView(View):
    """One worker process on one host.

    `state` is online, offline (it left in good order) or lost; one whose `desired_state` is drain finishes
    its `jobs` and takes no more. `usage` is what it last said: load, memory and its GPUs, as shares of 1.
    """

    id: str
    host: str
    pid: int
    version: str
    devices: dict[str, Any]
    state: str
    desired_state: str
    usage: dict[str, Any] | None
    started_at: datetime
    heartbeat_at: datetime
    jobs: tuple[WorkerJob, ...] = ()


@router.get("")
def list_workers(session: Reading) -> Page[WorkerView]:
    """The workers that are or were there, the one heard of last first."""
    workers = queries.list_workers(session)
    return Page(items=tuple(_view(session, worker) for worker in workers))


@router.post("/{worker_id}/drain")
def drain_worker(session: Writing, worker_id: str) -> WorkerView:
    """Have the worker finish what it runs and take no more jobs. It hears of it within seconds."""
    return _set(session, worker_id, drain=True)


@router.post("/{worker_id}/undrain")
def undrain_worker(session: Writing, worker_id: str) -> WorkerView:
    """Let the worker take jobs again."""
    return _set(session, worker_id, drain=False)


def _set(session: Session, worker_id: str, *, drain: bool) -> WorkerView:
    worker = queries.get_worker(session, worker_id)
    ledger.drain_worker(session, worker.id, drain=drain)
    return _view(session, worker)


def _view(session: Session, worker: Worker) -> WorkerView:
    jobs = tuple(WorkerJob.model_validate(job) for job in queries.worker_jobs(session, worker.id))
    return WorkerView.model_validate(worker).model_copy(update={"jobs": jobs})
