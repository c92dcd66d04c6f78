"""What is said of jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from service.api.views import View
from service.db.models import Job
from service.db.states import DesiredState, JobState


class JobSummary(View):
    """A job with its progress. `epoch` and `step` count what is done; `latest_ap` is a fraction, on `val`.

    `owner_key_id` is the public id of the key that submitted it, and may change it.

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
    owner_key_id: str | None
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
    `unmet_need` says why it would wait for ever with the workers that are online now, or waits although one
    is free: its key has as many GPUs in use as it may.
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


def job_progress(job: Job | JobSummary) -> float:
    """Share of the job's work that is done, 0 to 1."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    return min(1.0, job.step / job.total_steps) if job.total_steps else 0.0
