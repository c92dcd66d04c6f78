"""Plans: what an experiment will cost, and the client's verbs that ask for it."""

import json
from collections.abc import Mapping
from typing import Any

from service.client.base import Answer
from service.client.job_files import JobFileVerbs
from service.client.jobs import Job
from service.client.transport import SUBMIT_TIMEOUT_SECONDS

_EXPERIMENTS = "/api/v1/experiments"


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


class PlanVerbs(JobFileVerbs):
    """Asks what a specification costs, and reads the plan that a job left."""

    def plan_experiment(self, spec: Mapping[str, Any], *, quick: bool = False) -> Planned:
        """What a specification will cost, without running it; a job times it unless `quick`."""
        response = self._send(
            "POST",
            f"{_EXPERIMENTS}/plan",
            params={"quick": "true" if quick else "false"},
            content=json.dumps(spec),
            headers={"Content-Type": "application/json"},
            timeout=SUBMIT_TIMEOUT_SECONDS,
        )
        return self._read(response, Planned)

    def timed_plan(self, job_id: str) -> Plan:
        """The whole plan, which the job of `plan_experiment` left. Raises LookupError where it did not."""
        for artifact in self.artifacts(job_id):
            if artifact.name == "plan.json":
                return self._get(artifact.download, Plan)
        raise LookupError(f"job {job_id} left no plan.json")
