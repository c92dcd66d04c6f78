"""Watches an experiment until it ends. Leaving early changes nothing for its jobs."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.live import Live

from service.cli.progress import ProgressView, plain_line
from service.client import Client, Experiment, Job, UnreachableError

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 120.0
"""How long a server may be away, for instance while it is restarted, before following ends."""


WatchedT = TypeVar("WatchedT", Experiment, Job)


def watch(client: Client, experiment_id: str) -> Iterator[tuple[Experiment, str]]:
    """The experiment as it changes, with a note about the connection, until it is finished.

    Raises UnreachableError where the server stays away for longer than `PATIENCE_SECONDS`.
    """
    return _watch(lambda: client.experiment(experiment_id))


def watch_job(client: Client, job_id: str) -> Iterator[tuple[Job, str]]:
    """A job as it changes; otherwise as `watch`."""
    return _watch(lambda: client.job(job_id))


def _watch(read: Callable[[], WatchedT]) -> Iterator[tuple[WatchedT, str]]:
    last: WatchedT | None = None
    away_since: float | None = None
    while last is None or not last.finished:
        try:
            last = read()
            away_since = None
            yield last, ""
        except UnreachableError as error:
            away_since = away_since or time.monotonic()
            if last is None or time.monotonic() - away_since > PATIENCE_SECONDS:
                raise
            yield last, f"{error}; trying again"
        if not last.finished:
            time.sleep(POLL_SECONDS)


def wait(client: Client, experiment_id: str) -> Experiment:
    """Waits silently; gives the finished experiment."""
    *_, (experiment, _note) = watch(client, experiment_id)
    return experiment


def follow(client: Client, experiment_id: str, console: Console) -> Experiment:
    """Shows the progress, live on a terminal and line by line elsewhere; gives the finished experiment."""
    if console.is_terminal:
        return _follow_live(client, experiment_id, console)
    return _follow_lines(client, experiment_id, console)


def _follow_live(client: Client, experiment_id: str, console: Console) -> Experiment:
    experiment = client.experiment(experiment_id)
    with Live(ProgressView(experiment), console=console, refresh_per_second=4) as live:
        for experiment, note in watch(client, experiment_id):
            live.update(ProgressView(experiment, note=note))
    return experiment


def _follow_lines(client: Client, experiment_id: str, console: Console) -> Experiment:
    seen: dict[str, tuple[str, int]] = {}
    experiment: Experiment | None = None
    for experiment, note in watch(client, experiment_id):
        for job in experiment.jobs:
            key = (job.state, job.epoch)
            if seen.get(job.id) != key:
                seen[job.id] = key
                console.out(f"{time.strftime('%H:%M:%S')}  {plain_line(job)}")
        if note:
            console.out(note)
    assert experiment is not None, "watch gives at least one"
    return experiment
