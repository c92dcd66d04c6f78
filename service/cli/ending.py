"""How a command that watched an experiment ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from service.cli.comparison_table import ComparisonView
from service.cli.exit_codes import ExitCode
from service.cli.session import err, exit_unless, out, print_json
from service.cli.words import short_id
from service.client import ApiError, Client, Experiment


@contextmanager
def detached(experiment_id: str) -> Iterator[None]:
    """Ctrl-C inside leaves the experiment alone and says how to come back to it."""
    try:
        yield
    except KeyboardInterrupt:
        name = short_id(experiment_id)
        err().print(
            f"\nDetached; the experiment goes on. Follow it again: frs show {name} --follow    "
            f"Cancel it: frs cancel {name}"
        )
        raise typer.Exit(ExitCode.DETACHED) from None


@contextmanager
def detached_job(job_id: str) -> Iterator[None]:
    """The same for a job of its own."""
    try:
        yield
    except KeyboardInterrupt:
        name = short_id(job_id)
        err().print(
            f"\nDetached; the job goes on. Its output: frs logs {name} --follow    "
            f"Cancel it: frs cancel {name}"
        )
        raise typer.Exit(ExitCode.DETACHED) from None


def finish(client: Client, experiment: Experiment, *, as_json: bool) -> None:
    """Prints the outcome with its comparison; exits with 1 unless every job succeeded."""
    if as_json:
        print_json(experiment)
    else:
        show_comparison(client, experiment, out())
    exit_unless(experiment.state == "succeeded")


def show_comparison(client: Client, experiment: Experiment, console: Console) -> None:
    """The table, or why there is none."""
    if not any(job.state == "succeeded" for job in experiment.jobs):
        err().print(f"The experiment ended as {experiment.state}; no job succeeded, so nothing is compared.")
        return
    try:
        comparison = client.comparison(experiment.id)
    except ApiError as error:
        err().print(f"No comparison: {error}", markup=False)
        return
    console.print()
    console.print(ComparisonView(comparison))
