"""What happens, as it happens, by server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from service.access.caller import Caller
from service.api.access import CallerDep
from service.api.authentication import still_holds
from service.api.dependencies import Reading, Res, Resources
from service.api.job_views import JobSummary
from service.api.views import View
from service.db import queries
from service.db.live import SETTLE, settled_event_id
from service.db.models import Event
from service.db.states import JobState

router = APIRouter(tags=["events"])
POLL_SECONDS = 1.0
RECHECK_SECONDS = 30.0
"""So long at most a stream outlives its key."""
MAX_WATCHED_JOBS = 500

BigId = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Start behind this event; default: now")]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=2**63 - 1, description="Of a stream that broke; beats `after`"),
]


class EventView(View):
    """Something that happened. Progress has no id: it is told once and kept by the job alone."""

    id: int | None
    kind: str
    experiment_id: str | None
    job_id: str | None
    message: str
    data: dict[str, Any]
    created_at: datetime | None


def _experiment_id(session: Reading, experiment_id: str) -> str:
    return queries.get_experiment(session, experiment_id).id


async def _place(resources: Res, caller: CallerDep) -> AsyncIterator[None]:
    """Counts the stream from before its answer begins until it has ended, or its client is gone."""
    with resources.stream_places.taken(caller.key_id):
        yield


Place = Depends(_place, scope="request")


@router.get("/events", dependencies=[Place], response_class=EventSourceResponse)
async def stream_events(
    resources: Res, caller: CallerDep, after: BigId = None, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Every event, and the progress of running jobs as events without an id. `data` is an `EventView`."""
    async for item in _stream(resources, caller, None, after if last_event_id is None else last_event_id):
        yield item


@router.get("/experiments/{experiment_id}/events", dependencies=[Place], response_class=EventSourceResponse)
async def stream_experiment_events(
    resources: Res,
    caller: CallerDep,
    experiment_id: Annotated[str, Depends(_experiment_id, scope="function")],
    after: BigId = None,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """The events of one experiment and its jobs, as in `/events`."""
    async for item in _stream(
        resources, caller, experiment_id, after if last_event_id is None else last_event_id
    ):
        yield item


class Feed:
    """Hands out events in order, each once. A gap in the numbers is waited for: it may yet be filled."""

    def __init__(self, after: int) -> None:
        self.after = after
        self._gap_since = 0.0
        self._settling = after

    def take(self, events: Sequence[Event], moment: float) -> list[Event]:
        """Those of `events` (all there are behind `after`) whose turn it is. `moment`: seconds, monotonic."""
        taken = []
        for event in events:
            if event.id != self.after + 1 and not self._waited(event, moment, events[-1]):
                break
            self.after = event.id
            taken.append(event)
        return taken

    def _waited(self, event: Event, moment: float, newest: Event) -> bool:
        """Whether the gap before `event` is old enough. One wait serves all gaps that were seen with it."""
        if event.id > self._settling:
            self._settling, self._gap_since = newest.id, moment
        return moment - self._gap_since >= SETTLE.total_seconds()


async def _stream(
    resources: Resources, caller: Caller, experiment_id: str | None, after: int | None
) -> AsyncIterator[ServerSentEvent]:
    recheck = time.monotonic() + RECHECK_SECONDS
    feed = Feed(await run_in_threadpool(_start, resources) if after is None else after)
    running = await run_in_threadpool(_running, resources, experiment_id)
    # The id gives a client its place before it has seen any event: a restart of the server loses it none.
    yield ServerSentEvent(comment="connected", id=str(feed.after), retry=2000)
    while not resources.closing.is_set():
        if time.monotonic() > recheck:
            if not await run_in_threadpool(still_holds, resources, caller):
                return
            recheck = time.monotonic() + RECHECK_SECONDS
        for event in feed.take(await run_in_threadpool(_events, resources, feed.after), time.monotonic()):
            if experiment_id in (None, event.experiment_id):
                view = EventView.model_validate(event)
                yield ServerSentEvent(raw_data=view.model_dump_json(), id=str(event.id))
        before, running = running, await run_in_threadpool(_running, resources, experiment_id)
        for job_id, job in running.items():
            if before.get(job_id, job) != job:
                yield ServerSentEvent(raw_data=_progress(job).model_dump_json())
        await asyncio.sleep(POLL_SECONDS)


def _start(resources: Resources) -> int:
    with resources.read() as session:
        return settled_event_id(session)


def _events(resources: Resources, after: int) -> Sequence[Event]:
    with resources.read() as session:
        return queries.events_after(session, after)


def _running(resources: Resources, experiment_id: str | None) -> dict[str, JobSummary]:
    with resources.read() as session:
        page = queries.list_jobs(
            session, limit=MAX_WATCHED_JOBS, state=JobState.RUNNING, experiment_id=experiment_id
        )
        return {job.id: JobSummary.model_validate(job) for job in page.items}


def _progress(job: JobSummary) -> EventView:
    return EventView(
        id=None,
        kind="job.progress",
        experiment_id=job.experiment_id,
        job_id=job.id,
        message=f"{job.name}: {job.phase}, epoch {job.epoch} of {job.total_epochs}",
        data=job.model_dump(mode="json"),
        created_at=None,
    )
