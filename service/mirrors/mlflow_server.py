"""An MLflow server, spoken to over its REST API: no client of MLflow's is needed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx

MAX_METRICS, MAX_PARAMS, MAX_TAGS = 1000, 100, 100
"""Of one `log-batch`; all together a thousand."""

_API = "api/2.0/mlflow"
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_ABSENT = "RESOURCE_DOES_NOT_EXIST"
ItemT = TypeVar("ItemT")


class MlflowError(RuntimeError):
    """The server refused something."""


class MlflowAwayError(MlflowError):
    """The server does not answer, or not now: all jobs have to wait."""


class MlflowServer:
    """The verbs that a mirror needs. Raises MlflowError and MlflowAwayError."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=f"{url}/{_API}/", headers=headers, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def experiment(self, name: str, tags: Mapping[str, str]) -> str:
        """The id of the experiment of that name, which is made where there is none."""
        found = self._call("GET", "experiments/get-by-name", {"experiment_name": name}, absent={})
        if not found:
            made = self._call("POST", "experiments/create", {"name": name, "tags": _pairs(tags)}, exists={})
            if made:
                return str(made["experiment_id"])
            found = self._call("GET", "experiments/get-by-name", {"experiment_name": name})
        return str(found["experiment"]["experiment_id"])

    def run(self, experiment_id: str, *, tag: tuple[str, str], name: str, start_ms: int) -> str:
        """The id of the run that has this tag, which is made where there is none: no job has two."""
        wanted = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{tag[0]}` = '{tag[1]}'",
            "run_view_type": "ALL",
            "max_results": 1,
        }
        if runs := self._call("POST", "runs/search", wanted).get("runs"):
            return str(runs[0]["info"]["run_id"])
        body = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": start_ms,
            "tags": _pairs(dict([tag])),
        }
        return str(self._call("POST", "runs/create", body)["run"]["info"]["run_id"])

    def log_metrics(self, run_id: str, metrics: Sequence[Mapping[str, Any]]) -> None:
        """Add points, as many at a time as the server takes."""
        for batch in _batches(metrics, MAX_METRICS):
            self._call("POST", "runs/log-batch", {"run_id": run_id, "metrics": batch})

    def log_texts(self, run_id: str, *, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Set parameters, which may never change, and tags."""
        for batch in _batches(_pairs(params), MAX_PARAMS):
            self._call("POST", "runs/log-batch", {"run_id": run_id, "params": batch})
        for batch in _batches(_pairs(tags), MAX_TAGS):
            self._call("POST", "runs/log-batch", {"run_id": run_id, "tags": batch})

    def update(self, run_id: str, status: str, end_ms: int | None) -> None:
        """Set the run's status, and when it ended if it has."""
        body = {"run_id": run_id, "status": status}
        self._call("POST", "runs/update", body if end_ms is None else {**body, "end_time": end_ms})

    def _call(self, method: str, path: str, content: Any, **instead: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer; `absent` and `exists` are taken in its place where the server says so."""
        try:
            given = {"params": content} if method == "GET" else {"json": content}
            answer = self._client.request(method, path, **given)
            found = answer.json() if answer.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise MlflowAwayError(f"{path}: {error or type(error).__name__}") from error
        if answer.is_success and isinstance(found, dict):
            return found
        code = found.get("error_code", "") if isinstance(found, dict) else ""
        if code == _ABSENT and "absent" in instead:
            return instead["absent"]
        if code == _EXISTS and "exists" in instead:
            return instead["exists"]
        said = f"{path}: HTTP {answer.status_code} {code} {answer.text[:300]}"
        is_away = answer.is_server_error or answer.status_code in (401, 403, 429)
        raise MlflowAwayError(said) if is_away else MlflowError(said)


def _pairs(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def _batches(items: Sequence[ItemT], size: int) -> Iterator[list[ItemT]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
