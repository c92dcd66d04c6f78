"""The client itself."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

from service.client.answers import (
    Artifact,
    Checkpoint,
    Comparison,
    Experiment,
    ExperimentSummary,
    Job,
    LogText,
    Page,
    Plan,
    Planned,
    Readiness,
    Worker,
)
from service.client.errors import UnreachableError
from service.client.saving import save
from service.client.transport import Transport, checked, read, segment

API = "/api/v1"
Verb = Literal["cancel", "pause", "resume"]
SUBMIT_TIMEOUT_SECONDS = 600.0
"""The server reads the whole data set before it answers."""


class Client(Transport):
    """Speaks to one server. GETs are retried on connection errors, and submissions too: they carry a key.

    Every method raises ApiError where the server refuses and UnreachableError where none answers.
    """

    def ready(self) -> Readiness:
        """What a server that is ready says of its parts; where it is not, the ApiError holds `checks`."""
        return self._get("/readyz", Readiness)

    def submit_experiment(self, spec: Mapping[str, Any], *, idempotency_key: str | None = None) -> Experiment:
        """Submits a specification; a repeat with the same key and body gives the same experiment."""
        return read(self._submit(f"{API}/experiments", spec, idempotency_key), Experiment)

    def plan_experiment(self, spec: Mapping[str, Any], *, quick: bool = False) -> Planned:
        """What a specification will cost, without running it; a job times it unless `quick`."""
        response = self._send(
            "POST",
            f"{API}/experiments/plan",
            params={"quick": "true" if quick else "false"},
            content=json.dumps(spec),
            headers={"Content-Type": "application/json"},
            timeout=SUBMIT_TIMEOUT_SECONDS,
        )
        return read(response, Planned)

    def timed_plan(self, job_id: str) -> Plan:
        """The whole plan, which the job of `plan_experiment` left. Raises LookupError where it did not."""
        for artifact in self.artifacts(job_id):
            if artifact.name == "plan.json":
                return self._get(artifact.download, Plan)
        raise LookupError(f"job {job_id} left no plan.json")

    def record(self, experiment_id: str) -> Any:
        """What its ended jobs recorded, as JSON."""
        path = f"{API}/experiments/{segment(experiment_id)}/record"
        return self._send("GET", path, timeout=SUBMIT_TIMEOUT_SECONDS, retry=True).json()

    def import_record(self, record: Mapping[str, Any], files: Sequence[bytes] = ()) -> Experiment:
        """Takes in what `record` gave, with the bytes of the files that it names."""
        text = json.dumps(record, sort_keys=True)
        response = self._send(
            "POST",
            f"{API}/experiments/import",
            files=[
                ("record", (None, text.encode())),
                *(("files", (f"{number}", content)) for number, content in enumerate(files)),
            ],
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
        return read(response, Experiment)

    def experiments(self, **filters: str) -> Iterator[ExperimentSummary]:
        """All experiments, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(f"{API}/experiments", ExperimentSummary, filters)

    def experiment(self, experiment_id: str) -> Experiment:
        """One experiment, by its id or a unique prefix."""
        return self._get(f"{API}/experiments/{segment(experiment_id)}", Experiment)

    def control_experiment(self, experiment_id: str, verb: Verb) -> Experiment:
        """Asks for each of its jobs what `control_job` asks for one."""
        path = f"{API}/experiments/{segment(experiment_id)}/{verb}"
        return read(self._send("POST", path), Experiment)

    def prioritise_experiment(self, experiment_id: str, priority: int) -> Experiment:
        """Gives each of its unfinished jobs a priority; each step counts as an hour of waiting."""
        path = f"{API}/experiments/{segment(experiment_id)}/priority"
        return read(self._send("PUT", path, json={"priority": priority}, retry=True), Experiment)

    def clone_experiment(
        self, experiment_id: str, changes: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Experiment:
        """Submits its specification anew, with changes merged in as RFC 7396 says."""
        path = f"{API}/experiments/{segment(experiment_id)}/clone"
        return read(self._submit(path, {"changes": changes}, idempotency_key), Experiment)

    def extend_experiment(
        self, experiment_id: str, added: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Experiment:
        """Adds `methods` and `seeds` to it; what is there is not trained again."""
        path = f"{API}/experiments/{segment(experiment_id)}/extend"
        return read(self._submit(path, added, idempotency_key), Experiment)

    def jobs(self, **filters: str) -> Iterator[Job]:
        """All jobs, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(f"{API}/jobs", Job, filters)

    def job(self, job_id: str) -> Job:
        """One job, by its id or a unique prefix."""
        return self._get(f"{API}/jobs/{segment(job_id)}", Job)

    def control_job(self, job_id: str, verb: Verb) -> Job:
        """Asks for a job's end (`cancel`), its rest (`pause`) or that it goes on (`resume`).

        A running job is told within seconds, and saves its state first.
        """
        return read(self._send("POST", f"{API}/jobs/{segment(job_id)}/{verb}"), Job)

    def prioritise_job(self, job_id: str, priority: int) -> Job:
        """Changes its place in the queue; each step counts as an hour of waiting."""
        path = f"{API}/jobs/{segment(job_id)}/priority"
        return read(self._send("PUT", path, json={"priority": priority}, retry=True), Job)

    def clone_job(
        self, job_id: str, changes: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Job:
        """Submits its specification anew, with changes, as a job of no experiment."""
        path = f"{API}/jobs/{segment(job_id)}/clone"
        return read(self._submit(path, {"changes": changes}, idempotency_key), Job)

    def workers(self) -> Sequence[Worker]:
        """The workers that are or were there, the one heard of last first."""
        return self._get(f"{API}/workers", Page[Worker]).items

    def drain_worker(self, worker_id: str, *, drain: bool = True) -> Worker:
        """Has a worker finish what it runs and take no more jobs, or take jobs again."""
        verb = "drain" if drain else "undrain"
        return read(self._send("POST", f"{API}/workers/{segment(worker_id)}/{verb}"), Worker)

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
            f"{API}/jobs/{segment(job_id)}/predict",
            # a field without a file name is a plain one; named so even where there is no picture
            files=[
                *((key, (None, value.encode())) for key, value in wishes.items()),
                *(("images", picture) for picture in pictures),
            ],
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
        return read(response, Job)

    def artifacts(self, job_id: str) -> Sequence[Artifact]:
        """The job's files that are no checkpoints, by name."""
        return self._get(f"{API}/jobs/{segment(job_id)}/artifacts", Page[Artifact]).items

    def content(self, artifact: Artifact) -> bytes:
        """The bytes of a file."""
        return self._send("GET", artifact.download, retry=True).content

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """The job's stored checkpoints, by rising step."""
        return self._get(f"{API}/jobs/{segment(job_id)}/checkpoints", Page[Checkpoint]).items

    def save(self, file: Artifact | Checkpoint, path: Path) -> None:
        """Write a stored file to a path, whole and as recorded, or not at all.

        Also raises DamagedFileError and OSError.
        """
        try:
            with self._http.stream("GET", file.download) as response:
                if not response.is_success:
                    response.read()
                save(checked(response), path, file.sha256)
        except httpx.TransportError as error:
            raise UnreachableError(self.url, error) from error

    def log(self, job_id: str, after: str | None = None) -> LogText:
        """What the job printed after a place that an earlier answer named."""
        query = {} if after is None else {"after": after}
        return self._get(f"{API}/jobs/{segment(job_id)}/logs", LogText, query)

    def whole_log(self, job_id: str) -> str:
        """All that the job printed so far."""
        parts: list[str] = []
        chunk = self.log(job_id)
        while chunk.text:
            parts.append(chunk.text)
            if chunk.finished:
                break
            chunk = self.log(job_id, chunk.next_after)
        return "".join(parts)

    def comparison(self, experiment_id: str, baseline: str = "none") -> Comparison:
        """The comparison of an experiment; AP as fractions, differences to the row labelled `baseline`."""
        path = f"{API}/experiments/{segment(experiment_id)}/comparison"
        return self._get(path, Comparison, {"baseline": baseline})

    def report(self, experiment_id: str, report_format: str, baseline: str = "none") -> bytes:
        """The comparison rendered by the server in one of its report formats."""
        path = f"{API}/experiments/{segment(experiment_id)}/report"
        query = {"format": report_format, "baseline": baseline}
        return self._send("GET", path, params=query, retry=True).content

    def _submit(self, path: str, body: Mapping[str, Any], key: str | None) -> httpx.Response:
        return self._send(
            "POST",
            path,
            content=json.dumps(body),  # NaN too, so that the server can name its field
            headers={"Content-Type": "application/json", "Idempotency-Key": key or uuid.uuid4().hex},
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
