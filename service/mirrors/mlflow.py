"""Tells an MLflow server what it does not know of a job yet."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from service.db.metrics import Series
from service.db.mirrored import News
from service.db.models import Evaluation
from service.db.states import TERMINAL, JobState
from service.mirrors.mlflow_server import MlflowServer

ALONE = "frs-distill"
"""The MLflow experiment of jobs that belong to none of ours."""

STATUSES = {
    JobState.RUNNING: "RUNNING",
    JobState.SUCCEEDED: "FINISHED",
    JobState.FAILED: "FAILED",
    JobState.CANCELLED: "KILLED",
}
"""What MLflow calls a job's state; it calls the others SCHEDULED."""

MAX_VALUE = 500
_REFUSED = re.compile(r"[^\w\-. /]", re.ASCII)
_NONFINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def mirror(server: MlflowServer, news: News, public_url: str) -> dict[str, Any]:
    """Tell it all; gives what it knows then, to be kept. Doing so twice changes nothing.

    Raises MlflowError and MlflowAwayError, having told it a part, perhaps.
    """
    job = news.job
    begun = job.started_at or job.created_at
    run_id = news.known.run_id or _find(server, news, begun)
    if news.known.run_id is None:
        server.log_texts(run_id, params=dict(flat(job.spec)), tags=_tags(news, public_url))
    server.log_metrics(run_id, [point for series in news.series for point in _points(series)])
    server.log_metrics(run_id, [point for found in news.evaluations for point in _judged(found)])
    if news.known.state != job.state.value:
        ended = job.finished_at if job.state in TERMINAL else None
        server.update(run_id, STATUSES.get(job.state, "SCHEDULED"), None if ended is None else _ms(ended))
    steps = {**news.known.steps, **{each.name: each.steps[-1] for each in news.series if each.steps}}
    return {"run_id": run_id, "state": job.state.value, "steps": steps}


def flat(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A specification as MLflow has parameters: names with dots, values as short text; none without a value.

    >>> dict(flat({"schedule": {"epochs": 2, "lr": None}, "input_size": [64, 32]}))
    {'schedule.epochs': '2', 'input_size': '[64, 32]'}
    """
    for key, value in spec.items():
        name = _REFUSED.sub("_", f"{prefix}{key}")
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        elif value is not None:
            yield name[:250], str(value)[:MAX_VALUE]


def _find(server: MlflowServer, news: News, begun: datetime) -> str:
    experiment = news.experiment
    if experiment is None:
        name, tags = ALONE, {}
    else:
        # names need not be unique here, as they must there
        name, tags = f"{experiment.name} ({experiment.id[:6]})", {"frs.experiment_id": experiment.id}
    job = news.job
    return server.run(
        server.experiment(name, tags), tag=("frs.job_id", job.id), name=job.name, start_ms=_ms(begun)
    )


def _tags(news: News, public_url: str) -> dict[str, str]:
    job = news.job
    texts = {
        "frs.url": f"{public_url}/jobs/{job.id}",
        "frs.experiment_id": job.experiment_id,
        "frs.kind": job.kind,
        "frs.role": job.role,
        "frs.label": job.label,
        "frs.method": job.method,
        "frs.seed": str(job.seed),
        "frs.reused_from": job.reused_from,
        "frs.tags": ", ".join(sorted(tag.tag for tag in news.experiment.tags)) if news.experiment else None,
        "mlflow.user": job.submitted_by,
        "mlflow.source.name": "frs-distill",
    }
    return {key: text[:MAX_VALUE] for key, text in texts.items() if text}


def _points(series: Series) -> Iterator[dict[str, Any]]:
    """MLflow takes a value that is no number as a word."""
    for step, value, moment in zip(series.steps, series.values, series.times, strict=True):
        told = _NONFINITE[series.nonfinite[step]] if value is None else value
        yield {
            "key": _REFUSED.sub("_", series.name),
            "value": told,
            "timestamp": int(moment * 1000),
            "step": step,
        }


def _judged(found: Evaluation) -> Iterator[dict[str, Any]]:
    """The numbers of a split as they are in the end, under names of their own."""
    for name, value in found.metrics.items():
        if value is not None:
            key = f"final/{found.split}/{name}"
            yield {"key": key, "value": value, "timestamp": _ms(found.created_at), "step": found.step}


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
