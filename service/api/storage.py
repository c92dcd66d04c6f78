"""What the stored files take, what an experiment keeps of them, and the collection of the rest."""

import shutil
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.api.dependencies import Reading, Res, Resources, Writing, json_only
from service.api.problems import ProblemError, fault, invalid
from service.api.refusals import also
from service.api.views import View
from service.db import queries, usage
from service.db.retention import Policy, policy_of, set_policy
from service.jobs.collect import Garbage, Plan, PlanChangedError, carry_out, make_plan, spare_bytes

router = APIRouter(tags=["storage"])
MAX_LISTED = 1000
"""So many files of a plan are listed; its hash and sums are of all."""
MAX_EXPERIMENTS = 50


class RetentionPolicy(BaseModel):
    """Which checkpoints of an experiment's ended jobs garbage collection keeps; what no rule names may go.

    `best` are the weights of the highest AP on val; `last` those of the end, and the export. `every_epochs`
    and `every_steps` keep states, `days` keeps all that is younger.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    best: bool = True
    last: bool = True
    every_epochs: int | None = Field(default=None, ge=1, le=2**31 - 1)
    every_steps: int | None = Field(default=None, ge=1, le=2**31 - 1)
    days: float | None = Field(default=None, gt=0, le=36500)

    @model_validator(mode="after")
    def _keeps_something(self) -> "RetentionPolicy":
        if not any((self.best, self.last, self.every_epochs, self.every_steps, self.days)):
            raise ValueError("keep at least one of best, last, every_epochs, every_steps, days")
        return self


class Retention(View):
    """What an experiment keeps: `policy`, or everything where that is null."""

    experiment_id: str
    policy: RetentionPolicy | None


class GarbageView(View):
    """A file that would go. `freed_bytes` is 0 where others share the file, so that only its row goes."""

    what: str
    reason: str
    size_bytes: int
    freed_bytes: int
    uri: str
    checkpoint_id: str | None = None
    job_id: str | None = None
    experiment_id: str | None = None
    experiment_name: str | None = None
    step: int | None = None


class GarbagePlan(View):
    """All that would go, or went; `items` are the first of them. `plan` names it: confirm it by that."""

    plan: str
    deleted: bool
    num_items: int
    freed_bytes: int
    items: tuple[GarbageView, ...]


class ShareView(View):
    """Distinct files of one kind or experiment."""

    id: str | None
    name: str
    num_files: int
    size_bytes: int


class Disk(View):
    """The file system of the server's data folder."""

    total_bytes: int
    free_bytes: int


class Usage(View):
    """What the stored files take; a file that several share counts once in each sum.

    `spare_bytes` is what garbage collection would free by the experiments' policies.
    """

    num_files: int
    size_bytes: int
    spare_bytes: int
    store: str
    disk: Disk
    by_kind: tuple[ShareView, ...]
    by_experiment: tuple[ShareView, ...]


@router.get("/usage")
def get_storage(session: Reading, resources: Res) -> Usage:
    """What the stored files take, by kind and by experiment, and how much disk is free."""
    whole = usage.usage_in_all(session)
    return Usage(
        num_files=whole.num_files,
        size_bytes=whole.size_bytes,
        spare_bytes=spare_bytes(session),
        store=resources.settings.resolved_artifacts_url.partition(":")[0],
        disk=_disk(resources),
        by_kind=tuple(map(ShareView.model_validate, usage.usage_by_kind(session))),
        by_experiment=tuple(
            map(ShareView.model_validate, usage.usage_by_experiment(session, limit=MAX_EXPERIMENTS))
        ),
    )


@router.get("/experiments/{experiment_id}/retention")
def get_retention(session: Reading, experiment_id: str) -> Retention:
    """Which checkpoints the experiment keeps."""
    experiment = queries.get_experiment(session, experiment_id)
    policy = policy_of(session, experiment.id)
    shown = None if policy is None else RetentionPolicy(**vars(policy))
    return Retention(experiment_id=experiment.id, policy=shown)


@router.put("/experiments/{experiment_id}/retention", dependencies=[Depends(json_only)])
def put_retention(session: Writing, experiment_id: str, policy: RetentionPolicy) -> Retention:
    """Have garbage collection keep these checkpoints of it only. Nothing is deleted yet."""
    experiment = queries.get_experiment(session, experiment_id)
    set_policy(session, experiment.id, Policy(**policy.model_dump()))
    return Retention(experiment_id=experiment.id, policy=policy)


@router.delete("/experiments/{experiment_id}/retention", status_code=204)
def delete_retention(session: Writing, experiment_id: str) -> Response:
    """Have it keep everything again."""
    set_policy(session, queries.get_experiment(session, experiment_id).id, None)
    return Response(status_code=204)


@router.post("/gc", responses=also(409))
def collect_garbage(
    resources: Res,
    dry_run: Annotated[bool, Query(description="Only show what would go")] = True,
    plan: Annotated[str | None, Query(max_length=64, description="The plan to carry out, as shown")] = None,
) -> GarbagePlan:
    """Show what would be deleted, and why; or, with `dry_run=false`, delete what the named `plan` lists.

    409 where that is no longer what would be deleted.
    """
    try:
        if dry_run:
            return plan_view(make_plan(resources.write, resources.store), deleted=False)
        if plan is None:
            raise invalid(fault("plan", "required to delete: give the `plan` that a dry run shows"))
        return plan_view(carry_out(resources.write, resources.store, plan), deleted=True)
    except PlanChangedError as error:
        raise ProblemError(409, "plan-changed", str(error)) from error


def plan_view(plan: Plan, *, deleted: bool) -> GarbagePlan:
    """The view of a plan."""
    return GarbagePlan(
        plan=plan.name,
        deleted=deleted,
        num_items=len(plan.items),
        freed_bytes=plan.freed_bytes,
        items=tuple(_view(item) for item in plan.items[:MAX_LISTED]),
    )


def _view(item: Garbage) -> GarbageView:
    shared = {name: getattr(item, name) for name in ("reason", "size_bytes", "freed_bytes", "uri")}
    spare = item.checkpoint
    if spare is None:
        return GarbageView(what="orphan", **shared)
    return GarbageView(
        what=spare.row.kind,
        checkpoint_id=spare.row.id,
        job_id=spare.row.job_id,
        experiment_id=spare.experiment_id,
        experiment_name=spare.experiment_name,
        step=spare.row.step,
        **shared,
    )


def _disk(resources: Resources) -> Disk:
    found = shutil.disk_usage(resources.settings.data_dir)
    return Disk(total_bytes=found.total, free_bytes=found.free)
