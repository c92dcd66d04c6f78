"""Jobs: what the server says of one, and the client's verbs for them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from service.client.base import Page
from service.client.bound_job import BoundJob
from service.client.metrics import MetricSeries
from service.client.transport import SUBMIT_TIMEOUT_SECONDS, Transport, segment

_JOBS = "/api/v1/jobs"
Verb = Literal["cancel", "pause", "resume"]
UNFINISHED = frozenset({"waiting", "queued", "running", "paused"})
"""States out of which a job, or an experiment, still moves by itself or by its user's wish."""


class Job(BoundJob):
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


class JobVerbs(Transport):
    """Lists, controls and clones jobs, reads their metrics, and has one search pictures for boxes."""

    def jobs(self, **filters: str) -> Iterator[Job]:
        """All jobs, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(_JOBS, Job, filters)

    def job(self, job_id: str) -> Job:
        """One job, by its id or a unique prefix."""
        return self._get(f"{_JOBS}/{segment(job_id)}", Job)

    def job_metrics(self, job_id: str, names: Sequence[str] = ()) -> Sequence[MetricSeries]:
        """A job's metric series: those named, or all."""
        query = {"name": list(names)} if names else None
        return self._get(f"{_JOBS}/{segment(job_id)}/metrics", Page[MetricSeries], query).items

    def control_job(self, job_id: str, verb: Verb) -> Job:
        """Asks for a job's end (`cancel`), its rest (`pause`) or that it goes on (`resume`).

        A running job is told within seconds, and saves its state first.
        """
        return self._read(self._send("POST", f"{_JOBS}/{segment(job_id)}/{verb}"), Job)

    def prioritise_job(self, job_id: str, priority: int) -> Job:
        """Changes its place in the queue; each step counts as an hour of waiting."""
        path = f"{_JOBS}/{segment(job_id)}/priority"
        return self._read(self._send("PUT", path, json={"priority": priority}, retry=True), Job)

    def clone_job(
        self, job_id: str, changes: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Job:
        """Submits its specification anew, with changes, as a job of no experiment."""
        path = f"{_JOBS}/{segment(job_id)}/clone"
        return self._read(self._submit(path, {"changes": changes}, idempotency_key), Job)

    def predict(
        self,
        job_id: str,
        pictures: Sequence[tuple[str, bytes]] = (),
        *,
        idempotency_key: str | None = None,
        **wishes: str,
    ) -> Job:
        """Queues a search for boxes in pictures, each a name and its bytes, with the weights of a job.

        Wishes are those of the API: `score_threshold`, `runtime`, or a `path` instead of pictures.
        """
        response = self._send(
            "POST",
            f"{_JOBS}/{segment(job_id)}/predict",
            # a field without a file name is a plain one; named so even where there is no picture
            files=[
                *((key, (None, value.encode())) for key, value in wishes.items()),
                *(("images", picture) for picture in pictures),
            ],
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
        return self._read(response, Job)
