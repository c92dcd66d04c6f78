"""Experiments: what the server says of one, and the client's verbs for them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from service.client.base import Answer
from service.client.bound_experiment import BoundExperiment
from service.client.experiment_file import Specification, content_of
from service.client.jobs import Job, Verb
from service.client.transport import SUBMIT_TIMEOUT_SECONDS, Transport, segment

_EXPERIMENTS = "/api/v1/experiments"


class ExperimentSummary(Answer):
    """An experiment as lists show it. `progress` is the share of its work that is done, 0 to 1.

    The best row and its numbers, fractions, are told by lists alone.
    """

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
    dataset: str | None = None
    best_label: str | None = None
    best_ap: float | None = None
    best_delta: float | None = None


class Notice(Answer):
    """Something to live with but to know; `source` is dataset, or the job that said it."""

    source: str
    code: str
    message: str
    field: str | None = None
    count: int = 1
    examples: tuple[str, ...] = ()


class Experiment(ExperimentSummary, BoundExperiment):
    """An experiment with its jobs, in the order of its specification."""

    warnings: tuple[Notice, ...] = ()
    jobs: tuple[Job, ...]

    @property
    def finished(self) -> bool:
        """Whether none of its jobs will move any more."""
        return all(job.finished for job in self.jobs)


class ExperimentVerbs(Transport):
    """Submits, lists, controls and changes experiments, and takes their records out and in."""

    def submit(
        self,
        spec: Specification,
        *,
        seeds: Sequence[int] | None = None,
        smoke: bool = False,
        idempotency_key: str | None = None,
    ) -> Experiment:
        """Submits an experiment: a YAML file, whose relative paths start at its folder; a mapping; or a spec.

        `seeds` stand in for its own; `smoke` makes a tiny run of it. Made twice with the same key it is one
        experiment; without one, a key is made for this call, so that a lost connection is no second one.
        Raises FileFault for a file that cannot be read.
        """
        content = content_of(spec)
        if seeds is not None:
            content = content | {"seeds": list(seeds)}
        if smoke:
            from frs_core.spec.smoke import smoke_of  # all of a specification comes with it: a second

            content = smoke_of(content)
        return self.submit_experiment(content, idempotency_key=idempotency_key)

    def submit_experiment(self, spec: Mapping[str, Any], *, idempotency_key: str | None = None) -> Experiment:
        """Submits a specification; a repeat with the same key and body gives the same experiment."""
        return self._read(self._submit(_EXPERIMENTS, spec, idempotency_key), Experiment)

    def experiments(self, **filters: str) -> Iterator[ExperimentSummary]:
        """All experiments, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(_EXPERIMENTS, ExperimentSummary, filters)

    def experiment(self, experiment_id: str) -> Experiment:
        """One experiment, by its id or a unique prefix."""
        return self._get(f"{_EXPERIMENTS}/{segment(experiment_id)}", Experiment)

    def change_experiment(
        self, experiment_id: str, *, name: str | None = None, tags: Sequence[str] | None = None
    ) -> Experiment:
        """Gives it another name, or these tags in place of its own."""
        given = {"name": name, "tags": None if tags is None else list(tags)}
        body = {key: value for key, value in given.items() if value is not None}
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}"
        return self._read(self._send("PATCH", path, json=body, retry=True), Experiment)

    def control_experiment(self, experiment_id: str, verb: Verb) -> Experiment:
        """Asks for each of its jobs what `control_job` asks for one."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/{verb}"
        return self._read(self._send("POST", path), Experiment)

    def prioritise_experiment(self, experiment_id: str, priority: int) -> Experiment:
        """Gives each of its unfinished jobs a priority; each step counts as an hour of waiting."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/priority"
        return self._read(self._send("PUT", path, json={"priority": priority}, retry=True), Experiment)

    def clone_experiment(
        self, experiment_id: str, changes: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Experiment:
        """Submits its specification anew, with changes merged in as RFC 7396 says."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/clone"
        return self._read(self._submit(path, {"changes": changes}, idempotency_key), Experiment)

    def extend_experiment(
        self, experiment_id: str, added: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Experiment:
        """Adds `methods` and `seeds` to it; what is there is not trained again."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/extend"
        return self._read(self._submit(path, added, idempotency_key), Experiment)

    def record(self, experiment_id: str) -> Any:
        """What its ended jobs recorded, as JSON."""
        path = f"{_EXPERIMENTS}/{segment(experiment_id)}/record"
        return self._send("GET", path, timeout=SUBMIT_TIMEOUT_SECONDS, retry=True).json()

    def import_record(self, record: Mapping[str, Any], files: Sequence[bytes] = ()) -> Experiment:
        """Takes in what `record` gave, with the bytes of the files that it names."""
        text = json.dumps(record, sort_keys=True)
        response = self._send(
            "POST",
            f"{_EXPERIMENTS}/import",
            files=[
                ("record", (None, text.encode())),
                *(("files", (f"{number}", content)) for number, content in enumerate(files)),
            ],
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
        return self._read(response, Experiment)
