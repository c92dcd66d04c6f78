"""What an experiment will cost, told without running it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from frs_core.datasets.records import DatasetReport
from frs_core.planning.plan import Images, Plan, make_plan
from frs_core.spec import ExperimentSpec, PlanSpec, ResourcesSpec
from service.api import intake
from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Res, json_only
from service.api.job_views import JobDetail
from service.api.jobs import job_detail
from service.api.problems import fault, invalid
from service.api.refusals import also
from service.api.submitted_data import known_data, with_data
from service.api.views import View
from service.db import queries
from service.db.models import Worker
from service.jobs.errands import submit_errand
from service.jobs.submit import UnknownCheckpointError, check_known

router = APIRouter(prefix="/experiments", route_class=JsonRoute, tags=["experiments"])


class PlanView(View):
    """What is known at once, and the job that finds out the rest: its artifact `plan.json` is the whole plan.

    `job` is null where nothing is timed; the plan's notes then say why.
    """

    plan: Plan
    job: JobDetail | None


@router.post(
    "/plan",
    status_code=202,
    dependencies=[Depends(json_only)],
    responses={200: {"model": PlanView}, **also(409)},
)
def plan_experiment(
    resources: Res,
    caller: CallerDep,
    spec: ExperimentSpec,
    response: Response,
    quick: Annotated[bool, Query(description="Only what needs no timing: 200, and no job")] = False,
) -> PlanView:
    """Check an experiment as a submission does, and count its jobs and steps; nothing of it is run.

    Unless `quick`, a job times a few steps of each row on a worker: 202; where no worker is online: 200.
    """
    settings = resources.settings
    spec = with_data(resources, spec)
    report = intake.check_experiment(spec, settings, known_data(resources, spec.dataset))
    with resources.read() as session:
        try:
            check_known(session, spec)
        except UnknownCheckpointError as error:
            raise invalid(fault(error.field, str(error))) from error
        num_slots = _num_slots(queries.list_workers(session), spec)
    notes = _notes(report, num_slots, spec.resources.gpus, quick=quick)
    plan = make_plan(spec, images=_images(report), num_slots=max(1, num_slots), notes=notes)
    if quick or num_slots == 0:
        response.status_code = 200
        return PlanView(plan=plan, job=None)
    errand = PlanSpec(
        name=f"plan of {spec.name}"[:120],
        experiment=spec,
        num_slots=num_slots,
        keep_states=settings.keep_state_checkpoints,
        resources=ResourcesSpec(gpus=min(1, spec.resources.gpus)),
        submitted_by=spec.submitted_by,
    )
    with resources.write.begin() as session:
        job = submit_errand(session, errand, max_attempts=settings.max_attempts, owner=caller)
        return PlanView(plan=plan, job=job_detail(session, job))


def _images(report: DatasetReport | None) -> Images | None:
    if report is None:
        return None
    return Images(**{name: split.images for name, split in report.splits.items()})


def _num_slots(workers: Sequence[Worker], spec: ExperimentSpec) -> int:
    """How many of the experiment's jobs the workers that are there can run at a time."""
    gpus = spec.resources.gpus
    operators = {*spec.teacher.detector.operators, *spec.student.detector.operators}
    able = (
        worker.devices
        for worker in workers
        if worker.state == "online" and operators.issubset(worker.devices.get("operators", ()))
    )
    return sum(len(devices["gpus"]) // gpus if gpus else int(devices["slots"]) for devices in able)


def _notes(report: DatasetReport | None, num_slots: int, gpus: int, *, quick: bool) -> list[str]:
    notes = []
    if report is None:
        notes.append("the server does not see the data set: only a worker can count its images")
    if quick:
        notes.append("nothing was timed, as asked: time, disk and memory are not known")
    elif num_slots == 0:
        having = f" that has {gpus} GPUs" if gpus else ""
        notes.append(
            f"no worker{having} is online that could run it, so nothing was timed: time, disk and memory are "
            "not known"
        )
    return notes
