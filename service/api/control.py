"""What users want of jobs and experiments: cancel, pause, resume, another priority. Answered at once."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from service.api.bodies import JsonRoute
from service.api.dependencies import Writing, json_only
from service.api.experiment_views import ExperimentDetail
from service.api.experiments import fresh_detail
from service.api.job_views import JobDetail
from service.api.jobs import job_detail
from service.db import ledger, queries
from service.db.control import MAX_PRIORITY

router = APIRouter(route_class=JsonRoute, tags=["control"])


class PriorityBody(BaseModel):
    """Each step counts as an hour of waiting; 0 is usual, negative ones let others go first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: Annotated[int, Field(ge=-MAX_PRIORITY, le=MAX_PRIORITY, strict=True)]


@router.post("/jobs/{job_id}/cancel")
def cancel_job(session: Writing, job_id: str) -> JobDetail:
    """Cancel the job: at once where it does not run, else it saves its state first and ends within seconds.

    Jobs that wait for it are blocked. A job that has ended stays as it is.
    """
    job = queries.get_job(session, job_id)
    ledger.request_cancel(session, job.id)
    return job_detail(session, job)


@router.post("/jobs/{job_id}/pause")
def pause_job(session: Writing, job_id: str) -> JobDetail:
    """Pause the job: at once where it does not run, else it saves its state first and stops within seconds.

    Jobs that wait for it go on waiting. A job that has ended stays as it is.
    """
    job = queries.get_job(session, job_id)
    ledger.request_pause(session, job.id)
    return job_detail(session, job)


@router.post("/jobs/{job_id}/resume")
def resume_job(session: Writing, job_id: str) -> JobDetail:
    """Let a paused or failed job go on from its last state, with all its attempts.

    What a failed job had blocked waits again. 409 for a cancelled job, and for one that another blocks.
    """
    job = queries.get_job(session, job_id)
    ledger.request_resume(session, job.id)
    return job_detail(session, job)


@router.put("/jobs/{job_id}/priority", dependencies=[Depends(json_only)])
def prioritise_job(session: Writing, job_id: str, wish: PriorityBody) -> JobDetail:
    """Change the job's place in the queue. One that runs keeps running; one that has ended stays as it is."""
    job = queries.get_job(session, job_id)
    ledger.set_priority(session, job.id, wish.priority)
    return job_detail(session, job)


@router.post("/experiments/{experiment_id}/cancel")
def cancel_experiment(session: Writing, experiment_id: str) -> ExperimentDetail:
    """Cancel every unfinished job: those that run save their state first and end within seconds."""
    experiment = queries.get_experiment(session, experiment_id)
    ledger.cancel_experiment(session, experiment.id)
    return fresh_detail(session, experiment)


@router.post("/experiments/{experiment_id}/pause")
def pause_experiment(session: Writing, experiment_id: str) -> ExperimentDetail:
    """Pause every job that waits or runs: those that run save their state first."""
    experiment = queries.get_experiment(session, experiment_id)
    ledger.pause_experiment(session, experiment.id)
    return fresh_detail(session, experiment)


@router.post("/experiments/{experiment_id}/resume")
def resume_experiment(session: Writing, experiment_id: str) -> ExperimentDetail:
    """Let every paused or failed job go on from its last state; what has succeeded is not done again."""
    experiment = queries.get_experiment(session, experiment_id)
    ledger.resume_experiment(session, experiment.id)
    return fresh_detail(session, experiment)


@router.put("/experiments/{experiment_id}/priority", dependencies=[Depends(json_only)])
def prioritise_experiment(session: Writing, experiment_id: str, wish: PriorityBody) -> ExperimentDetail:
    """Give every unfinished job of the experiment this priority."""
    experiment = queries.get_experiment(session, experiment_id)
    ledger.prioritise_experiment(session, experiment.id, wish.priority)
    return fresh_detail(session, experiment)
