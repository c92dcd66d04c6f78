"""Jobs: submit one alone, list, look at."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.orm import Session

from frs_core.spec import JobSpec
from service.api import intake
from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Cursor, Limit, Reading, Res, json_only
from service.api.experiments import Label
from service.api.job_views import JobDetail, JobSummary
from service.api.refusals import also
from service.api.submission import IdempotencyHeader, submit
from service.api.submitted_data import known_data, with_data
from service.api.views import Page
from service.db import queries
from service.db.models import Job
from service.db.needs import unmet_needs
from service.db.shares import held_back
from service.db.states import JobState
from service.jobs.submit import submit_job

router = APIRouter(prefix="/jobs", route_class=JsonRoute, tags=["jobs"])


@router.post(
    "", status_code=201, dependencies=[Depends(json_only)], responses={200: {"model": JobDetail}, **also(409)}
)
def create_job(
    resources: Res, caller: CallerDep, spec: JobSpec, response: Response, key: IdempotencyHeader = None
) -> JobDetail:
    """Check and queue one job that belongs to no experiment. `Idempotency-Key` works as for experiments."""
    settings = resources.settings
    given, spec = spec, with_data(resources, spec, key)
    submitted = submit(
        resources,
        given,
        key,
        check=lambda: intake.check_job(spec, settings, known_data(resources, spec.dataset)),
        write=lambda session, report, idempotency: submit_job(
            session,
            spec,
            dataset_report=report,
            idempotency=idempotency,
            max_attempts=settings.max_attempts,
            owner=caller,
        ),
    )
    submitted.mark(response)
    with resources.read() as session:
        return job_detail(session, queries.get_job(session, submitted.id))


@router.get("", responses=also(404, 409))
def list_jobs(
    session: Reading,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: JobState | None = None,
    experiment: Annotated[str | None, Query(max_length=64, description="Its id or a unique prefix")] = None,
    method: Label = None,
    submitted_by: Label = None,
    name: Annotated[Label, Query(description="The whole name")] = None,
) -> Page[JobSummary]:
    """Jobs, newest first."""
    experiment_id = None if experiment is None else queries.get_experiment(session, experiment).id
    page = queries.list_jobs(
        session,
        limit=limit,
        cursor=cursor,
        state=state,
        experiment_id=experiment_id,
        method=method,
        submitted_by=submitted_by,
        name=name,
    )
    return Page(items=tuple(map(JobSummary.model_validate, page.items)), next_cursor=page.next_cursor)


@router.get("/{job_id}")
def get_job(session: Reading, job_id: str) -> JobDetail:
    """One job, by its id or a unique prefix of four characters or more."""
    return job_detail(session, queries.get_job(session, job_id))


def job_detail(session: Session, job: Job) -> JobDetail:
    """The view of a row."""
    depends_on = queries.job_dependencies(session, job.id)
    unmet = unmet_needs(session, [job]).get(job.id) or held_back(session, [job]).get(job.id)
    return JobDetail.of(job, depends_on, unmet)
