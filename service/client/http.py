"""The client itself."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from service.client.answers import Answer, Comparison, Experiment, ExperimentSummary, Job, LogText
from service.client.errors import ApiError, UnreachableError

API = "/api/v1"
RETRY_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0)
SUBMIT_TIMEOUT_SECONDS = 600.0
"""The server reads the whole data set before it answers."""

AnswerT = TypeVar("AnswerT", bound=Answer)


class Client:
    """Speaks to one server. GETs are retried on connection errors, and submissions too: they carry a key.

    Every method raises ApiError where the server refuses and UnreachableError where none answers.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        retry_delays: Sequence[float] = RETRY_DELAYS_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._retry_delays = tuple(retry_delays)
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=timeout_seconds,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def ready(self) -> Mapping[str, Any]:
        """What `/readyz` says of a server that is ready."""
        return self._get_object("/readyz")

    def submit_experiment(self, spec: Mapping[str, Any], *, idempotency_key: str | None = None) -> Experiment:
        """Submits a specification; a repeat with the same key and body gives the same experiment."""
        response = self._send(
            "POST",
            f"{API}/experiments",
            json=spec,
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )
        return Experiment.model_validate(response.json())

    def experiments(self, **filters: str) -> Iterator[ExperimentSummary]:
        """All experiments, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(f"{API}/experiments", ExperimentSummary, filters)

    def experiment(self, experiment_id: str) -> Experiment:
        """One experiment, by its id or a unique prefix."""
        return Experiment.model_validate(self._get_object(f"{API}/experiments/{experiment_id}"))

    def jobs(self, **filters: str) -> Iterator[Job]:
        """All jobs, the newest first, fetched page by page. Filters are those of the API."""
        return self._pages(f"{API}/jobs", Job, filters)

    def job(self, job_id: str) -> Job:
        """One job, by its id or a unique prefix."""
        return Job.model_validate(self._get_object(f"{API}/jobs/{job_id}"))

    def cancel_job(self, job_id: str) -> Job:
        """Asks for the job's end; a running one saves its state first."""
        return Job.model_validate(self._send("POST", f"{API}/jobs/{job_id}/cancel").json())

    def cancel_experiment(self, experiment_id: str) -> Experiment:
        """Asks for the end of each of its unfinished jobs."""
        return Experiment.model_validate(
            self._send("POST", f"{API}/experiments/{experiment_id}/cancel").json()
        )

    def log(self, job_id: str, after: str | None = None) -> LogText:
        """What the job printed after a place that an earlier answer named."""
        query = {} if after is None else {"after": after}
        return LogText.model_validate(self._get_object(f"{API}/jobs/{job_id}/logs", query))

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
        return Comparison.model_validate_json(self.report(experiment_id, "json", baseline))

    def report(self, experiment_id: str, report_format: str, baseline: str = "none") -> bytes:
        """The comparison rendered by the server in one of its report formats."""
        path = f"{API}/experiments/{experiment_id}/comparison"
        query = {"format": report_format, "baseline": baseline}
        return self._send("GET", path, params=query, retry=True).content

    def _pages(self, path: str, kind: type[AnswerT], filters: Mapping[str, str]) -> Iterator[AnswerT]:
        query = dict(filters)
        while True:
            page = self._get_object(path, query)
            yield from (kind.model_validate(item) for item in page["items"])
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def _get_object(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._send("GET", path, params=query, retry=True).json()
        return answer

    def _send(self, method: str, path: str, *, retry: bool = False, **request: Any) -> httpx.Response:
        delays = self._retry_delays if retry else ()
        for delay in (*delays, None):
            try:
                return _checked(self._http.request(method, path, **request))
            except httpx.TransportError as error:
                # a server that took too long will not be quicker the second time
                if delay is None or isinstance(error, httpx.TimeoutException):
                    raise UnreachableError(self.url, error) from error
                time.sleep(delay)
        raise AssertionError("the last try returns or raises")


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": response.reason_phrase, "detail": response.text[:500]}
    raise ApiError(response.status_code, problem)
