"""The page of one job: how it stands, its curves, its log, its files, and what it was told to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.api.dependencies import Reading
from service.api.files import list_artifacts, list_checkpoints
from service.api.jobs import job_detail
from service.api.logs import get_job_log_tail
from service.api.observations import list_job_attempts, list_job_events
from service.comparison.differences import Difference, differences
from service.comparison.load import COMPARED
from service.dashboard.rendering import render
from service.db import queries, trail
from service.db.live import settled_event_id
from service.db.models import Job, MetricSeries

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
MAX_SIBLINGS = 12
MAX_CHANGES = 20


@dataclass(frozen=True)
class Panel:
    """A chart: which series it shows, and what their numbers are."""

    title: str
    unit: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Siblings:
    """What this job's settings differ in from those of others of its experiment, itself first."""

    names: tuple[str, ...]
    rows: tuple[Difference, ...]


@router.get("/jobs/{job_id}")
def show_job(request: Request, session: Reading, job_id: str) -> HTMLResponse:
    """One job."""
    last_event_id = settled_event_id(session)
    job = queries.get_job(session, job_id)
    detail = job_detail(session, job)
    return render(
        request,
        "job.html",
        job=detail,
        experiment=job.experiment,
        priority=job.priority,
        attempts=list_job_attempts(session, job.id).items,
        events=list_job_events(session, job.id).items,
        panels=_panels(_series_names(session, job.id)),
        checkpoints=list_checkpoints(session, job.id).items,
        artifacts=list_artifacts(session, job.id).items,
        spec=yaml.safe_dump(detail.spec, sort_keys=False, allow_unicode=True),
        siblings=_siblings(session, job),
        history=trail.last_of(session, "job", job.id, limit=MAX_CHANGES),
        last_event_id=last_event_id,
    )


@router.get("/jobs/{job_id}/log")
def show_log(
    request: Request,
    session: Reading,
    job_id: str,
    before: Annotated[str, Query(max_length=60)] = "",
    search: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """Some lines of the log, for the job's page to fetch."""
    tail = get_job_log_tail(session, job_id, before=before, search=search.replace("\0", ""))
    return render(request, "log.html", job_id=job_id, tail=tail, search=search)


def _series_names(session: Session, job_id: str) -> Sequence[str]:
    statement = select(MetricSeries.name).where(MetricSeries.job_id == job_id).order_by(MetricSeries.name)
    return session.scalars(statement).all()


def _panels(names: Sequence[str]) -> list[Panel]:
    """Losses, AP, learning rate, what the host gives, then what the method tells of itself."""
    rest = set(names)

    def take(title: str, unit: str, *wanted: str) -> list[Panel]:
        chosen = tuple(name for name in names if name in rest and name.startswith(wanted))
        rest.difference_update(chosen)
        return [Panel(title, unit, chosen)] if chosen else []

    exact = [name for name in ("train/loss", "train/plain_loss") if name in rest]
    rest.difference_update(exact)
    panels = [Panel("Loss", "", tuple(exact))] if exact else []
    panels += take("Terms of the loss", "", "train/loss/")
    panels += take("AP on val", "fraction", "val/ap")
    panels += take("Learning rate", "", "train/lr")
    panels += take("Time of a step", "s", "host/step_seconds")
    panels += take("Memory in use", "bytes", "host/memory_bytes")
    groups = sorted({name.rpartition("/")[0] for name in rest if name.startswith("train/")})
    for group in groups:
        panels += take(group.removeprefix("train/").replace("_", " ").replace("/", ": "), "", f"{group}/")
    panels += take("Recall on val", "fraction", "val/ar")
    panels += take("AP on test", "fraction", "test/ap")
    return panels + take("Recall on test", "fraction", "test/ar")


def _siblings(session: Session, job: Job) -> Siblings | None:
    """Others of the same role and seed, where there are any."""
    if job.experiment_id is None or job.role not in COMPARED:
        return None
    statement = (
        select(Job)
        .where(
            Job.experiment_id == job.experiment_id,
            Job.role == job.role,
            Job.seed == job.seed,
            Job.id != job.id,
        )
        .order_by(Job.position)
        .limit(MAX_SIBLINGS)
    )
    others = session.scalars(statement).all()
    specs: list[dict[str, Any]] = [job.spec, *(other.spec for other in others)]
    found = differences(specs)
    return Siblings((job.label, *(other.label for other in others)), found) if others and found else None
