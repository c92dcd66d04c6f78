"""What the server says, typed for those who ask. Full precision: AP as fractions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

UNFINISHED = frozenset({"waiting", "queued", "running", "paused"})
"""States out of which a job, or an experiment, still moves by itself or by its user's wish."""


class Answer(BaseModel):
    """Base of what the server says; keys that a newer server adds are kept aside."""

    model_config = ConfigDict(frozen=True, extra="allow")


ItemT = TypeVar("ItemT", bound=Answer)


class Page(Answer, Generic[ItemT]):
    """Some items, and the cursor of the next page; None on the last."""

    items: tuple[ItemT, ...]
    next_cursor: str | None = None


class Readiness(Answer):
    """Of each part of a server: ok, or what is wrong."""

    status: str
    checks: Mapping[str, str] = Field(default_factory=dict)


class Job(Answer):
    """One job. AP is a fraction; `eta_seconds` is None until it can be told."""

    id: str
    experiment_id: str | None = None
    kind: str
    role: str
    label: str
    name: str
    method: str | None = None
    seed: int
    state: str
    desired_state: str = "run"
    phase: str | None = None
    step: int = 0
    total_steps: int = 0
    epoch: int = 0
    total_epochs: int = 0
    eta_seconds: float | None = None
    latest_loss: float | None = None
    latest_ap: float | None = None
    num_attempts: int = 0
    reason_code: str | None = None
    reason: str | None = None
    reason_field: str | None = None
    reused_from: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether it will not move any more."""
        return self.state not in UNFINISHED


class WorkerJob(Answer):
    """A job that a worker has in hand."""

    id: str
    name: str


class Worker(Answer):
    """A worker process on a host; `usage` holds shares of 1."""

    id: str
    host: str
    pid: int
    version: str
    devices: Mapping[str, Any]
    state: str
    desired_state: str = "run"
    usage: Mapping[str, Any] | None = None
    heartbeat_at: datetime
    jobs: tuple[WorkerJob, ...] = ()


class Artifact(Answer):
    """A stored file of a job; `download` is its path on the server."""

    id: str
    name: str
    media_type: str
    sha256: str
    size_bytes: int
    download: str


class Checkpoint(Answer):
    """A stored checkpoint of a job; `download` is its path on the server."""

    id: str
    kind: str
    step: int
    sha256: str
    size_bytes: int
    download: str


class PlanRow(Answer):
    """The jobs of one row; None is what was not measured. `seconds` are of one job, `disk_bytes` of all."""

    label: str
    role: str
    jobs: int
    batch_size: int
    steps: int | None = None
    seconds_per_step: float | None = None
    seconds: float | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    fits: bool | None = None
    advice: tuple[str, ...] = ()


class PlanDevice(Answer):
    """Where it was tried; `memory_bytes` is the host's where that trains on the CPU."""

    name: str
    on_gpu: bool
    memory_bytes: int | None = None


class Plan(Answer):
    """What an experiment will cost. `seconds` is of all its jobs, `num_slots` of them at a time."""

    name: str
    timed: bool
    rows: tuple[PlanRow, ...]
    num_jobs: int
    num_slots: int
    steps: int | None = None
    seconds: float | None = None
    disk_bytes: int | None = None
    device: PlanDevice | None = None
    fits: bool | None = None
    notes: tuple[str, ...] = ()


class Planned(Answer):
    """The plan as far as it is known at once, and the job that finds out the rest, if any."""

    plan: Plan
    job: Job | None = None


class LogText(Answer):
    """Log text after a place; `finished` once no more can come."""

    text: str
    next_after: str
    finished: bool


class ExperimentSummary(Answer):
    """An experiment as lists show it. `progress` is the share of its work that is done, 0 to 1."""

    id: str
    name: str
    state: str
    submitted_by: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime
    archived_at: datetime | None = None
    num_jobs: int
    job_states: Mapping[str, int] = Field(default_factory=dict)
    progress: float = 0.0


class Notice(Answer):
    """Something to live with but to know; `source` is dataset, or the job that said it."""

    source: str
    code: str
    message: str
    field: str | None = None
    count: int = 1
    examples: tuple[str, ...] = ()


class Experiment(ExperimentSummary):
    """An experiment with its jobs, in the order of its specification."""

    warnings: tuple[Notice, ...] = ()
    jobs: tuple[Job, ...]

    @property
    def finished(self) -> bool:
        """Whether none of its jobs will move any more."""
        return all(job.finished for job in self.jobs)


class Statistic(Answer):
    """Mean and sample standard deviation over `n` seeds."""

    mean: float | None
    sd: float | None
    n: int


class Trial(Answer):
    """Values of searched parameters and the AP (a fraction) they had; None where it has no AP."""

    values: Mapping[str, bool | int | float | str]
    words: str
    ap: float | None


class Search(Answer):
    """How a row's options were found, on `split`; `chosen` is the number of the best trial."""

    tried: tuple[Trial, ...]
    chosen: int
    split: str


class ComparisonRow(Answer):
    """All runs of one label. `delta_ap` is paired by seed; `gap_closed` is a share and may exceed 1."""

    label: str
    method: str | None = None
    role: str
    seeds: tuple[int, ...]
    metrics: Mapping[str, Statistic]
    delta_ap: float | None = None
    delta_ap_sd: float | None = None
    delta_ap_interval: tuple[float, float] | None = None
    gap_closed: float | None = None
    params: int | None = None
    macs: int | None = None
    latency_ms: Statistic | None = None
    expected_ap: float | None = None
    search: Search | None = None


class Comparison(Answer):
    """The teacher's row, then the methods' in the order of the experiment."""

    experiment: str
    name: str = ""
    baseline: str
    split: str | None = None
    rows: tuple[ComparisonRow, ...]
    verdict: str = ""
    warnings: tuple[str, ...] = ()
