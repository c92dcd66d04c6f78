"""`frs submit`: a file becomes an experiment."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from service.cli.arguments import TimeoutOption
from service.cli.ending import detached, finish
from service.cli.faults import invalid_file
from service.cli.follow import follow, wait
from service.cli.overrides import seeds_in, with_overrides
from service.cli.session import JsonFlag, current, err, out, print_json
from service.cli.words import short_id
from service.client import ApiError, Client, Experiment
from service.client.experiment_file import ExperimentFile, read_experiment_file, with_absolute_paths

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="An experiment, in YAML.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="As schedule.epochs=24 or methods.0.weight=2; repeat for more."
    ),
]


def submit(
    context: typer.Context,
    file: FileArgument,
    *,
    changes: SetOption = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds instead of the file's: 0,1,2 or 0-4.")] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="A few steps on a few images, marked as no result: does it run?")
    ] = False,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Show progress until it ends.")] = False,
    wait_for_it: Annotated[bool, typer.Option("--wait", help="Wait silently until it ends.")] = False,
    timeout: TimeoutOption = None,
    as_json: JsonFlag = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="A repeat with the same key and file gives the same experiment, not a second one."),
    ] = None,
) -> None:
    """Submit an experiment. Relative paths in FILE start at its folder."""
    if follow_it and wait_for_it:
        raise typer.BadParameter("give --follow or --wait, not both")
    if timeout is not None and not (follow_it or wait_for_it):
        raise typer.BadParameter("--timeout goes with --wait or --follow")
    parsed = changed(read_experiment_file(file), changes, seeds)
    if smoke:
        from frs_core.spec.smoke import smoke_of  # all of a specification comes with it, which takes a second

        parsed = replace(parsed, content=smoke_of(parsed.content))
    with current(context).connect() as client:
        experiment = _submit(client, parsed, idempotency_key)
        if not follow_it and not wait_for_it:
            _announce(client, experiment, as_json=as_json)
            return
        if not as_json:
            err().print(f"Submitted {experiment.id}: {client.url}/experiments/{experiment.id}", style="dim")
        with detached(experiment.id):
            if follow_it:
                experiment = follow(client, experiment.id, err(), timeout=timeout)
            else:
                experiment = wait(client, experiment.id, timeout=timeout)
        finish(client, experiment, as_json=as_json)


def changed(file: ExperimentFile, changes: Sequence[str] | None, seeds: str | None) -> ExperimentFile:
    """The file with what --set and --seeds put in place. Paths among them start at the current folder."""
    content = with_absolute_paths(with_overrides(file.content, changes or ()), Path.cwd())
    if seeds is not None:
        content["seeds"] = seeds_in(seeds)
    return replace(file, content=content)


@contextmanager
def faults_of(file: ExperimentFile) -> Iterator[None]:
    """Shows what the server finds wrong with a file at the lines of the file."""
    try:
        yield
    except ApiError as error:
        if error.status in {400, 422} and error.faults:
            raise invalid_file(file, error.faults) from error
        raise


def _submit(client: Client, file: ExperimentFile, key: str | None) -> Experiment:
    with faults_of(file):
        return client.submit_experiment(file.content, idempotency_key=key)


def _announce(client: Client, experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        print_json(experiment)
        return
    name = short_id(experiment.id)
    out().print(f"{experiment.id}  {escape(experiment.name)}  {experiment.num_jobs} jobs, {experiment.state}")
    for notice in experiment.warnings:
        out().print(f"[yellow]! {escape(notice.message)}[/]")
    err().print(f"Follow: frs show {name} --follow    Page: {client.url}/experiments/{name}", style="dim")
