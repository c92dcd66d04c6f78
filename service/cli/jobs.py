"""`frs logs`: what jobs printed, named themselves or by their experiment."""

import time
from typing import Annotated

import typer
from rich.markup import escape

from service.cli import words
from service.cli.session import JsonFlag, current, err, print_json
from service.client import ApiError, Client, Experiment, Job

POLL_SECONDS = 1.0
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A job or an experiment: its id, or a unique beginning of it.")
]


def logs(
    context: typer.Context,
    some_id: IdArgument,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print what a job, or every started job of an experiment, printed."""
    with current(context).connect() as client:
        found = find(client, some_id)
        if as_json:
            print_json([{"id": job.id, "text": client.whole_log(job.id)} for job in _started(found)])
        elif isinstance(found, Job):
            _print_log(client, found, follow_it=follow_it)
        elif follow_it:
            raise typer.BadParameter(f"--follow takes one job; those of {some_id} are: {_job_list(found)}")
        else:
            for job in _started(found):
                err().print(f"[bold]{escape(words.job_title(job))}[/]  [dim]{job.id}[/]")
                _print_log(client, job, follow_it=False)


def find(client: Client, some_id: str) -> Experiment | Job:
    """What an id names. Raises ApiError where it names neither, or more than one."""
    try:
        return client.experiment(some_id)
    except ApiError as error:
        if error.status != 404:
            raise
    try:
        return client.job(some_id)
    except ApiError as error:
        if error.status != 404:
            raise
        raise ApiError(
            404, {"detail": f"no experiment and no job has an id that begins with {some_id}"}
        ) from None


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


def _job_list(experiment: Experiment) -> str:
    return ", ".join(f"{words.short_id(job.id)} ({words.job_title(job)})" for job in experiment.jobs)
