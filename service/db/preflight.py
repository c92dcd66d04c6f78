"""What an experiment learns of its data where only workers see them."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec, JobSpec, MethodSpec, PlannedJob, expand
from service.db.keys import Keys
from service.db.models import Experiment, Job

PREFLIGHT = "preflight"
"""The role of the job that looks at the data before the teacher is trained."""

_PLANNED = ("teacher", "search", "student")
"""The roles of jobs that the specification says all of."""


def take_report(session: Session, experiment_id: str, report: DatasetReport) -> None:
    """Keep what the data set holds, and key the experiment's jobs anew, which wait until this has ended.

    A key without the data's hash says too little for a result to be reused.
    """
    experiment = session.get_one(Experiment, experiment_id)
    experiment.dataset_report = report.model_dump(mode="json")
    plans: dict[tuple[str, str, str], PlannedJob] = {
        (plan.role, plan.label, plan.spec.name): plan
        for plan in expand(ExperimentSpec.model_validate(experiment.spec))
    }
    jobs = session.scalars(
        select(Job)
        .where(Job.experiment_id == experiment_id, Job.role.in_(_PLANNED), Job.token == 0)
        .order_by(Job.position)
    )
    keys = Keys(dataset_hash=report.dataset_hash, teacher_hash=None)
    for job in jobs:
        _key_anew(job, plans[job.role, job.label, job.name], keys)
        if job.role == "teacher":
            keys = replace(keys, teacher_hash=job.job_key)
    session.flush()


def _key_anew(job: Job, plan: PlannedJob, keys: Keys) -> None:
    spec = JobSpec.model_validate(job.spec)
    job.job_key = keys.of(spec)
    job.reuse = plan.reuse and keys.say_all(spec)
    if job.search is not None:
        job.search = {
            **job.search,
            "candidates": [
                {**each, "job_key": keys.of(_with_method(spec, each["method"]))}
                for each in job.search["candidates"]
            ],
        }


def _with_method(spec: JobSpec, method: dict[str, object]) -> JobSpec:
    return spec.model_copy(update={"method": MethodSpec.model_validate(method)})
