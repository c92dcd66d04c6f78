"""`frs logs`: what jobs printed, named themselves or by their experiment."""

import time
from typing import Annotated

import typer
from rich.markup import escape

from service.cli import words
from service.cli.arguments import AnyId
from service.cli.ending import detached, detached_job
from service.cli.session import JsonFlag, current, err, print_json
from service.client import Client, Experiment, Job

POLL_SECONDS = 1.0


def logs(
    context: typer.Context,
    some_id: AnyId,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Go on until it ends.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print what a job, or every started job of an experiment, printed."""
    with current(context).connect() as client:
        found = client.find(some_id)
        if as_json:
            print_json([{"id": job.id, "text": client.whole_log(job.id)} for job in _started(found)])
        elif isinstance(found, Job):
            with detached_job(found.id):
                _print_log(client, found, follow_it=follow_it)
        elif follow_it:
            with detached(found.id):
                _follow_all(client, found)
        else:
            for job in _started(found):
                err().print(f"[bold]{escape(words.job_title(job))}[/]  [dim]{job.id}[/]")
                _print_log(client, job, follow_it=False)


def _started(found: Experiment | Job) -> list[Job]:
    return (
        [found]
        if isinstance(found, Job)
        else [job for job in found.jobs if job.num_attempts or job.reused_from]
    )


def _print_log(client: Client, job: Job, *, follow_it: bool) -> None:
    after: str | None = None
    while True:
        chunk = client.log(job.id, after)
        typer.echo(chunk.text, nl=False)
        if chunk.finished or not (chunk.text or follow_it):
            return
        after = chunk.next_after
        if not chunk.text:
            time.sleep(POLL_SECONDS)


def _follow_all(client: Client, experiment: Experiment) -> None:
    """Whole lines of all its jobs as they come, each behind the job's title, until it has ended."""
    places: dict[str, str] = {}
    rests: dict[str, str] = {}
    read: set[str] = set()
    while True:
        experiment.refresh()
        for job in _started(experiment):
            if job.id in read:
                continue
            if _print_lines(client, job, places, rests):
                read.add(job.id)
        if experiment.finished and read >= {job.id for job in _started(experiment)}:
            return
        time.sleep(POLL_SECONDS)


def _print_lines(client: Client, job: Job, places: dict[str, str], rests: dict[str, str]) -> bool:
    """Prints what is new of a job; whether no more can come."""
    while True:
        chunk = client.log(job.id, places.get(job.id))
        places[job.id] = chunk.next_after
        *lines, rest = (rests.get(job.id, "") + chunk.text).split("\n")
        rests[job.id] = "" if chunk.finished else rest
        for line in [*lines, *([rest] if chunk.finished and rest else [])]:
            typer.echo(f"{words.job_title(job)} | {line}")
        if chunk.finished or not chunk.text:
            return chunk.finished
