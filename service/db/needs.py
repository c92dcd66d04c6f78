"""What a job needs of a worker that no worker there is has."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Job, Worker
from service.db.states import JobState


def unmet_needs(session: Session, jobs: Iterable[Job]) -> dict[str, str]:
    """By job id, why a job that has yet to run would wait for ever with the workers that are online now."""
    pending = [job for job in jobs if job.state in (JobState.QUEUED, JobState.WAITING) and _needs(job)]
    if not pending:
        return {}
    online = session.scalars(select(Worker.devices).where(Worker.state == "online")).all()
    return {
        job.id: f"no worker that is online has {_needs(job)}: start one, or change what the job asks for"
        for job in pending
        if not any(_can_do(job, devices) for devices in online)
    }


def _can_do(job: Job, devices: Mapping[str, Any]) -> bool:
    """The counterpart of the ledger's claim, for a worker with all its devices free."""
    has_operators = bool(devices.get("operators"))
    return job.gpus <= devices.get("gpus_per_job", 0) and (has_operators or not job.compiled_operators)


def _needs(job: Job) -> str:
    gpus = f"{job.gpus} {'GPU' if job.gpus == 1 else 'GPUs'} for one job" if job.gpus else ""
    operators = "mmcv's compiled operators, as its detector needs" if job.compiled_operators else ""
    return " and ".join(filter(None, (gpus, operators)))
