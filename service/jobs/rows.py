"""The rows of planned jobs, and how they are written together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from frs_core.spec import ExperimentSpec, JobSpec, PlannedJob, PreflightSpec
from service.db.datasets import note_uses
from service.db.keys import Keys, errand_key
from service.db.models import Job, JobDependency
from service.db.moves import continue_or_wait, enqueue
from service.db.preflight import PREFLIGHT
from service.db.search import SEARCH
from service.db.states import JobState
from service.db.types import new_id


def planned_job(experiment: ExperimentSpec, plan: PlannedJob, keys: Keys) -> Job:
    """The row of one job of an experiment, to which it is yet to be given."""
    job = job_row(plan.spec, role=plan.role, label=plan.label)
    job.submitted_by = experiment.submitted_by
    job.job_key = keys.of(plan.spec)
    job.reuse = plan.reuse and keys.say_all(plan.spec)
    job.search = _search(experiment, plan, keys)
    return job


def preflight_job(experiment: ExperimentSpec) -> Job:
    """The row of the job that looks at the data first, where the server cannot."""
    schedules = [experiment.schedule]
    if experiment.teacher.is_trained:
        schedules.append(experiment.teacher_schedule)
    spec = PreflightSpec(
        name=PREFLIGHT,
        dataset=experiment.dataset,
        min_train_images=max(each.images_per_step for each in schedules),
        submitted_by=experiment.submitted_by,
    )
    return Job(
        id=new_id(),
        position=0,
        kind=spec.kind,
        role=PREFLIGHT,
        label="data set",
        name=spec.name,
        method=None,
        seed=0,
        spec=spec.model_dump(mode="json"),
        job_key=errand_key(spec),
        submitted_by=experiment.submitted_by,
        state=JobState.WAITING,
    )


def job_row(spec: JobSpec, *, role: str, label: str) -> Job:
    """The row of a job that waits; key, place and priority are the caller's."""
    return Job(
        id=new_id(),
        position=0,
        kind=spec.kind.value,
        role=role,
        label=label,
        name=spec.name,
        method=None if spec.method is None else spec.method.name,
        seed=spec.seed,
        spec=spec.model_dump(mode="json"),
        gpus=spec.resources.gpus,
        compiled_operators=bool(spec.operators),
        state=JobState.WAITING,
    )


def dependencies(new: Sequence[Job], jobs: Sequence[Job]) -> list[JobDependency]:
    """Of new jobs among all: each waits for the teacher, and what is judged for the search of its own row.

    The teacher waits for the look at the data, where there is one.
    """
    return [
        JobDependency(job_id=job.id, depends_on_id=other.id, role=other.role)
        for job in new
        for other in jobs
        if _waits(job, other)
    ]


def _waits(job: Job, other: Job) -> bool:
    if other.role == PREFLIGHT:
        return job.role == "teacher"
    if other.role == "teacher":
        return job.role in (SEARCH, "student")
    return other.role == SEARCH and job.role == "student" and job.label == other.label


def write(session: Session, jobs: Sequence[Job], waits: Sequence[JobDependency], moment: datetime) -> None:
    """Write new jobs with what they wait for, and queue those that wait for nothing."""
    session.add_all(jobs)
    session.flush()
    note_uses(session, jobs)
    session.add_all(waits)
    session.flush()
    new = {job.id for job in jobs}
    held_back = {each.job_id for each in waits}
    on_others = {each.job_id for each in waits if each.depends_on_id not in new}
    for job in jobs:
        if job.id not in held_back:
            enqueue(session, job, moment)
        elif job.id in on_others:
            continue_or_wait(session, job, moment)
    session.flush()


def _search(experiment: ExperimentSpec, plan: PlannedJob, keys: Keys) -> dict[str, Any] | None:
    """What the method of a student's job may become; None where nothing is searched for."""
    if plan.role != "student":
        return None
    method = next(each for each in experiment.methods if each.display_label == plan.label)
    candidates = [
        {
            "values": dict(values),
            "method": each.model_dump(mode="json"),
            "job_key": keys.of(plan.spec.model_copy(update={"method": each})),
        }
        for values, each in method.candidates()
    ]
    return {"candidates": candidates} if candidates else None
