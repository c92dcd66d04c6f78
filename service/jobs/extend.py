"""Adds rows to an experiment that is there: further methods, further seeds."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec, PlannedJob, expand
from service.db.keys import Keys, data_hash
from service.db.leases import now
from service.db.models import Event, Experiment, Job
from service.jobs.rows import dependencies, planned_job, write


class ChangedDataError(RuntimeError):
    """The data set is not what the experiment's jobs were trained and judged on."""


def extend_experiment(
    session: Session,
    experiment_id: str,
    spec: ExperimentSpec,
    *,
    dataset_report: DatasetReport | None,
    max_attempts: int,
) -> list[Job]:
    """Write and queue the jobs that `spec` has and the experiment lacks; what is there stays as it is.

    `spec` is the experiment's own with more methods or seeds. New jobs learn from the same teacher, as soon
    as it is ready. Raises NoResultFound and ChangedDataError.
    """
    experiment = session.get_one(Experiment, experiment_id, with_for_update=True, populate_existing=True)
    jobs = list(session.scalars(select(Job).where(Job.experiment_id == experiment_id).order_by(Job.position)))
    _check_data(experiment, dataset_report)
    teacher = next(job for job in jobs if job.role == "teacher")
    # where only workers see the data, one of them has reported what they are
    seen = data_hash(dataset_report) or (experiment.dataset_report or {}).get("dataset_hash")
    keys = Keys(dataset_hash=seen, teacher_hash=teacher.job_key)
    first = (
        1 + session.scalars(select(func.max(Job.position)).where(Job.experiment_id == experiment_id)).one()
    )
    moment = now(session)
    new = [planned_job(spec, plan, keys) for plan in expand(spec) if _is_new(plan, jobs)]
    for position, job in enumerate(new, first):
        job.experiment_id, job.position = experiment_id, position
        job.priority, job.max_attempts, job.created_at = teacher.priority, max_attempts, moment
        job.submitted_by, job.owner_key_id = experiment.submitted_by, experiment.owner_key_id
    experiment.spec = spec.model_dump(mode="json")
    session.add(_event(experiment, new, moment))
    write(session, new, dependencies(new, [*jobs, *new]), moment)
    return new


def _is_new(plan: PlannedJob, jobs: list[Job]) -> bool:
    """A search comes with its label's first seed; a student is one seed of a label."""
    same = [job for job in jobs if job.role == plan.role and job.label == plan.label]
    return not same if plan.role != "student" else plan.spec.seed not in {job.seed for job in same}


def _check_data(experiment: Experiment, report: DatasetReport | None) -> None:
    before = (experiment.dataset_report or {}).get("dataset_hash")
    if report is not None and before is not None and report.dataset_hash != before:
        raise ChangedDataError(
            f"the data set has changed since {experiment.name} was submitted: what is trained now could not "
            "be compared with what is there. Restore the data, or clone the experiment"
        )


def _event(experiment: Experiment, new: list[Job], moment: datetime) -> Event:
    return Event(
        experiment_id=experiment.id,
        kind="experiment.extended",
        message=f"{experiment.name} was extended by {len(new)} jobs",
        data={"jobs": [job.id for job in new]},
        created_at=moment,
    )
