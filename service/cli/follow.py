"""Watches an experiment until it ends. Leaving early changes nothing for its jobs."""

import time
from collections.abc import Iterator
from contextlib import nullcontext

from rich.console import Console
from rich.live import Live

from service.cli.progress import JobView, ProgressView, plain_line
from service.cli.session import is_live
from service.client import Client, Experiment, Job
from service.client.watching import watch

POLL_SECONDS = 1.0


def watched(
    client: Client, experiment_id: str, timeout: float | None = None
) -> Iterator[tuple[Experiment, str]]:
    """The experiment as it changes, with a note about the connection, until it is finished.

    Raises WaitTimeoutError, and UnreachableError where the server stays away for long.
    """
    return watch(lambda: client.experiment(experiment_id), timeout_seconds=timeout, poll_seconds=POLL_SECONDS)


def watched_job(client: Client, job_id: str, timeout: float | None = None) -> Iterator[tuple[Job, str]]:
    """A job as it changes; otherwise as `watched`."""
    return watch(lambda: client.job(job_id), timeout_seconds=timeout, poll_seconds=POLL_SECONDS)


def wait(client: Client, experiment_id: str, *, timeout: float | None = None) -> Experiment:
    """Waits silently; gives the finished experiment. Raises as `watched` does."""
    *_, (experiment, _note) = watched(client, experiment_id, timeout)
    return experiment


def follow(
    client: Client, experiment_id: str, console: Console, *, timeout: float | None = None
) -> Experiment:
    """Shows the progress, live on a terminal and line by line elsewhere; gives the finished experiment."""
    if is_live(console):
        return _follow_live(client, experiment_id, console, timeout)
    return _follow_lines(client, experiment_id, console, timeout)


def follow_job(client: Client, job_id: str, console: Console) -> Job:
    """The same for a job."""
    told: tuple[str, int] | None = None
    job = client.job(job_id)
    with nullcontext() if not is_live(console) else Live(console=console, refresh_per_second=4) as live:
        for job, note in watched_job(client, job_id):
            if live is not None:
                live.update(JobView(job, note=note))
            elif told != (told := (job.state, job.epoch)):
                console.out(f"{time.strftime('%H:%M:%S')}  {plain_line(job)}")
    return job


def _follow_live(client: Client, experiment_id: str, console: Console, timeout: float | None) -> Experiment:
    experiment = client.experiment(experiment_id)
    with Live(ProgressView(experiment), console=console, refresh_per_second=4) as live:
        for experiment, note in watched(client, experiment_id, timeout):
            live.update(ProgressView(experiment, note=note))
    return experiment


def _follow_lines(client: Client, experiment_id: str, console: Console, timeout: float | None) -> Experiment:
    seen: dict[str, tuple[str, int]] = {}
    experiment: Experiment | None = None
    for experiment, note in watched(client, experiment_id, timeout):
        for job in experiment.jobs:
            key = (job.state, job.epoch)
            if seen.get(job.id) != key:
                seen[job.id] = key
                console.out(f"{time.strftime('%H:%M:%S')}  {plain_line(job)}")
        if note:
            console.out(note)
    assert experiment is not None, "watch gives at least one"
    return experiment
