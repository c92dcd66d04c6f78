"""The client itself."""

from collections.abc import Mapping, Sequence

import httpx
from pydantic import Field

from service.client import references
from service.client.base import Answer
from service.client.comparisons import AcrossComparison, ComparisonVerbs
from service.client.datasets import DatasetVerbs
from service.client.experiments import Experiment, ExperimentVerbs
from service.client.jobs import Job, JobVerbs
from service.client.keys import KeyVerbs
from service.client.outside import OutsideVerbs
from service.client.plans import PlanVerbs
from service.client.settings import read_settings
from service.client.storage import StorageVerbs
from service.client.transport import RETRY_DELAYS_SECONDS
from service.client.webhooks import WebhookVerbs
from service.client.workers import WorkerVerbs


class Readiness(Answer):
    """Of each part of a server: ok, or what is wrong."""

    status: str
    checks: Mapping[str, str] = Field(default_factory=dict)


class DocumentInfo(Answer):
    """What the OpenAPI document says of the server."""

    version: str


class Document(Answer):
    """The OpenAPI document."""

    info: DocumentInfo


class Client(
    ExperimentVerbs,
    JobVerbs,
    PlanVerbs,
    ComparisonVerbs,
    OutsideVerbs,
    DatasetVerbs,
    StorageVerbs,
    WorkerVerbs,
    WebhookVerbs,
    KeyVerbs,
):
    """Speaks to one server. GETs are retried on connection errors, and submissions too: they carry a key.

    Every method raises ApiError where the server refuses and UnreachableError where none answers.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_seconds: float | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """What is not given is found as the `frs` command finds it: see `service.client.settings`.

        Raises SettingsError where a settings file or a variable cannot be used.
        """
        settings = read_settings(url=url, api_key=api_key)
        super().__init__(
            settings.url.text,
            settings.api_key.value,
            timeout_seconds=timeout_seconds or settings.timeout_seconds,
            retry_delays=retry_delays,
            transport=transport,
        )

    def ready(self) -> Readiness:
        """What a server that is ready says of its parts; where it is not, the ApiError says what is not."""
        return self._read(self._send("GET", "/readyz"), Readiness)

    def alive(self) -> None:
        """Raises ClientError unless the server answers at all."""
        self._read(self._send("GET", "/healthz"), Readiness)

    def server_version(self) -> str:
        """The version of the server's package."""
        return self._get("/api/v1/openapi.json", Document).info.version

    def find(self, reference: str) -> Experiment | Job:
        """What an id, its beginning, a name or @latest names. Raises AmbiguousReferenceError."""
        return references.find(self, reference)

    def find_experiment(self, reference: str) -> Experiment:
        """The experiment that an id, its beginning, a name or @latest names."""
        return references.find_experiment(self, reference)

    def find_job(self, reference: str) -> Job:
        """The job that an id, its beginning, a name or @latest names."""
        return references.find_job(self, reference)

    def compare(self, *runs: Experiment | Job | str, baseline: str = "none") -> AcrossComparison:
        """Any experiments and jobs side by side; ApiError (409) where they were not made alike."""
        found = [self.find(each) if isinstance(each, str) else each for each in runs]
        query = {
            "experiment": [each.id for each in found if isinstance(each, Experiment)],
            "job": [each.id for each in found if isinstance(each, Job)],
            "baseline": baseline,
        }
        return self._get("/api/v1/compare", AcrossComparison, query)
