"""`frs submit` and `frs validate`: what begins with a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from service.cli import local_check
from service.cli.ending import detached, finish
from service.cli.experiment_file import ExperimentFile, read_experiment_file
from service.cli.faults import invalid_file
from service.cli.follow import follow, wait
from service.cli.session import JsonFlag, current, err, out, print_json
from service.cli.words import short_id
from service.client import ApiError, Client, Experiment

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An experiment, in YAML.")]


def submit(
    context: typer.Context,
    file: FileArgument,
    *,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Show progress until it ends.")] = False,
    wait_for_it: Annotated[bool, typer.Option("--wait", help="Wait silently until it ends.")] = False,
    as_json: JsonFlag = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="A repeat with the same key and file gives the same experiment, not a second one."),
    ] = None,
) -> None:
    """Submit an experiment. Relative paths in FILE start at its folder."""
    if follow_it and wait_for_it:
        raise typer.BadParameter("give --follow or --wait, not both")
    parsed = read_experiment_file(file)
    with current(context).connect() as client:
        experiment = _submit(client, parsed, idempotency_key)
        if not follow_it and not wait_for_it:
            _announce(client, experiment, as_json=as_json)
            return
        if not as_json:
            err().print(f"Submitted {experiment.id}: {client.url}/experiments/{experiment.id}", style="dim")
        with detached(experiment.id):
            experiment = follow(client, experiment.id, err()) if follow_it else wait(client, experiment.id)
        finish(client, experiment, as_json=as_json)


def validate(file: FileArgument, as_json: JsonFlag = False) -> None:
    """Check FILE, and the data it names, on this machine. No server is asked."""
    parsed = read_experiment_file(file)
    verdict = local_check.check_file(parsed)
    if as_json:
        print_json(verdict.as_dict())
    if verdict.faults:
        raise invalid_file(parsed, verdict.faults)
    if not as_json:
        out().print(f"[green]valid[/]  {escape(verdict.summary)}")
        for warning in verdict.warnings:
            out().print(f"[yellow]! {escape(warning)}[/]")


def _submit(client: Client, file: ExperimentFile, key: str | None) -> Experiment:
    with faults_of(file):
        return client.submit_experiment(file.content, idempotency_key=key)


@contextmanager
def faults_of(file: ExperimentFile) -> Iterator[None]:
    """Shows what the server finds wrong with a file at the lines of the file."""
    try:
        yield
    except ApiError as error:
        if error.status in {400, 422} and error.faults:
            raise invalid_file(file, error.faults) from error
        raise


def _announce(client: Client, experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        print_json(experiment)
        return
    name = short_id(experiment.id)
    out().print(f"{experiment.id}  {escape(experiment.name)}  {experiment.num_jobs} jobs, {experiment.state}")
    for notice in experiment.warnings:
        out().print(f"[yellow]! {escape(notice.message)}[/]")
    err().print(f"Follow: frs show {name} --follow    Page: {client.url}/experiments/{name}", style="dim")
