"""What the API answers with. Full precision everywhere; rounding belongs to the views."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from frs_core.spec.base import Name, Tag
from service.db.models import Experiment, Job
from service.db.states import DesiredState, JobState, experiment_state

ItemT = TypeVar("ItemT")


class View(BaseModel):
    """Base of all answers: frozen, readable from a row."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(View, Generic[ItemT]):
    """Some items, newest first, and the cursor of the next page (null on the last)."""

    items: tuple[ItemT, ...]
    next_cursor: str | None = None


class JobSummary(View):
    """A job with its progress. `epoch` and `step` count what is done; `latest_ap` is a fraction, on `val`.

    `reused_from` is the id of the same job whose result this one took over instead of being run.
    """

    id: str
    experiment_id: str | None
    position: int
    kind: str
    role: str
    label: str
    name: str
    method: str | None
    seed: int
    submitted_by: str | None
    state: JobState
    desired_state: DesiredState
    phase: str | None
    step: int
    total_steps: int
    epoch: int
    total_epochs: int
    eta_seconds: float | None
    latest_loss: float | None
    latest_ap: float | None
    num_attempts: int
    max_attempts: int
    reason_code: str | None
    reason: str | None
    reason_field: str | None
    reused_from: str | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(JobSummary):
    """A job with its specification as it was stored. `depends_on` are ids of jobs it waits for.

    `cost` is what its detector costs: parameters, MACs, latency, memory; null until it was measured.
    `unmet_need` says why it would wait for ever with the workers that are online now.
    """

    spec: dict[str, Any]
    cost: dict[str, Any] | None
    job_key: str
    priority: int
    gpus: int
    compiled_operators: bool
    token: int
    not_before: datetime | None
    depends_on: tuple[str, ...]
    unmet_need: str | None

    @classmethod
    def of(cls, job: Job, depends_on: Sequence[str], unmet_need: str | None) -> "JobDetail":
        """The view of a row."""
        found = {"depends_on": tuple(depends_on), "unmet_need": unmet_need}
        row = {name: getattr(job, name) for name in cls.model_fields if name not in found}
        return cls.model_validate({**row, **found})


class ExperimentSummary(View):
    """An experiment. `progress` is the share of its steps that are done, 0 to 1, every job counting alike."""

    id: str
    name: str
    state: str
    submitted_by: str | None
    tags: tuple[str, ...]
    created_at: datetime
    archived_at: datetime | None
    num_jobs: int
    job_states: dict[str, int]
    progress: float

    @classmethod
    def of(cls, experiment: Experiment) -> "ExperimentSummary":
        """The view of a row whose jobs and tags are loaded."""
        return cls(**summary_fields(experiment))


class Notice(View):
    """Something to live with but to know: `source` is dataset, or the name of the job that said it."""

    source: str
    code: str
    message: str
    field: str | None = None
    count: int = 1
    examples: tuple[str, ...] = ()


class ExperimentDetail(ExperimentSummary):
    """An experiment with its jobs. `dataset_report` is null where the server does not see the data."""

    spec: dict[str, Any]
    dataset_report: dict[str, Any] | None
    warnings: tuple[Notice, ...]
    jobs: tuple[JobSummary, ...]

    @classmethod
    def from_row(cls, experiment: Experiment, notices: Sequence[Notice] = ()) -> "ExperimentDetail":
        """The view of a row whose jobs and tags are loaded."""
        return cls(
            **summary_fields(experiment),
            spec=experiment.spec,
            dataset_report=experiment.dataset_report,
            warnings=(*dataset_notices(experiment.dataset_report), *notices),
            jobs=tuple(JobSummary.model_validate(job) for job in experiment.jobs),
        )


class ExperimentChange(BaseModel):
    """What may be changed of an experiment; a key left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    tags: tuple[Tag, ...] | None = Field(default=None, max_length=20)
    submitted_by: Name | None = None


class EventView(View):
    """Something that happened. Progress has no id: it is told once and kept by the job alone."""

    id: int | None
    kind: str
    experiment_id: str | None
    job_id: str | None
    message: str
    data: dict[str, Any]
    created_at: datetime | None


class WorkerJob(View):
    """A job that a worker has in hand."""

    id: str
    name: str
    experiment_id: str | None
    gpus: int


class WorkerView(View):
    """One worker process on one host.

    `state` is online, offline (it left in good order) or lost; one whose `desired_state` is drain finishes
    its `jobs` and takes no more. `usage` is what it last said: load, memory and its GPUs, as shares of 1.
    """

    id: str
    host: str
    pid: int
    version: str
    devices: dict[str, Any]
    state: str
    desired_state: str
    usage: dict[str, Any] | None
    started_at: datetime
    heartbeat_at: datetime
    jobs: tuple[WorkerJob, ...] = ()


class MethodView(View):
    """A method: the signals it reads, the schema of its options, published defaults per family."""

    name: str
    description: str
    requires: tuple[str, ...]
    options_schema: dict[str, Any]
    defaults: dict[str, dict[str, Any]]


class RefusedDetectorView(View):
    """A detector of the zoo that cannot be named in a specification; the reason is a clause about it."""

    name: str
    reason: str


class HealthView(View):
    """`status` is ok; for readiness each check says ok or what is wrong."""

    status: str
    checks: dict[str, str] = {}


def summary_fields(experiment: Experiment) -> dict[str, Any]:
    """The fields of `ExperimentSummary` from a row whose jobs and tags are loaded."""
    states = [job.state for job in experiment.jobs]
    return {
        "id": experiment.id,
        "name": experiment.name,
        "state": experiment_state(states),
        "submitted_by": experiment.submitted_by,
        "tags": tuple(tag.tag for tag in experiment.tags),
        "created_at": experiment.created_at,
        "archived_at": experiment.archived_at,
        "num_jobs": len(states),
        "job_states": dict(Counter(state.value for state in states)),
        "progress": sum(map(job_progress, experiment.jobs)) / max(1, len(states)),
    }


def job_progress(job: Job | JobSummary) -> float:
    """Share of the job's work that is done, 0 to 1."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    return min(1.0, job.step / job.total_steps) if job.total_steps else 0.0


def dataset_notices(report: dict[str, Any] | None) -> list[Notice]:
    """The warnings of a data set's report."""
    return [
        Notice.model_validate({**fault, "source": "dataset"}) for fault in (report or {}).get("warnings", ())
    ]
