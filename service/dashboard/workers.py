"""The page of the workers: what they have, what they do, and what waits for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import Reading
from service.api.workers import WorkerView, list_workers
from service.dashboard.rendering import render
from service.db import queries
from service.db.types import utc_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
UPCOMING = 20
"""So many queued jobs are named."""
SHOWN_FOR = timedelta(days=1)
"""A worker that has gone is shown for so long, if it was lost or its host has none any longer."""


@router.get("/workers")
def show_workers(request: Request, session: Reading) -> HTMLResponse:
    """The workers that are there, those that went lately, and the queue."""
    moment = utc_now()
    workers = _worth_showing(list_workers(session).items, moment)
    return render(
        request,
        "workers.html",
        workers=workers,
        queue=queries.queue_depth(session),
        upcoming=queries.next_in_queue(session, limit=UPCOMING),
        usual_wait=median(waits) if (waits := queries.waits_of_running(session)) else None,
        now=moment,
    )


def _worth_showing(workers: Sequence[WorkerView], moment: datetime) -> list[WorkerView]:
    """Those online by host, then the lost, then the last one of each host that has none."""
    served = {worker.host for worker in workers if worker.state == "online"}
    shown = []
    for worker in workers:
        is_late = worker.heartbeat_at < moment - SHOWN_FOR
        if worker.state == "offline" and worker.host in served:
            continue
        if worker.state != "online" and is_late:
            continue
        if worker.state == "offline":
            served.add(worker.host)
        shown.append(worker)
    order = ("online", "lost", "offline")
    return sorted(shown, key=lambda worker: (order.index(worker.state), worker.host, worker.id))
