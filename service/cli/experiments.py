"""`frs list`, `frs show` and `frs compare`: reading experiments."""

from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.comparison_table import ComparisonView
from service.cli.ending import detached, finish
from service.cli.follow import follow
from service.cli.progress import ProgressView
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import ExperimentSummary

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Its id, or a unique beginning of it.")]


BaselineOption = Annotated[str, typer.Option(help="The label that differences refer to.")]
"""What `compare` prints where no report of the server is asked for."""


def list_experiments(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List experiments, the newest first."""
    filters = {"state": state} if state else {}
    with current(context).connect() as client:
        items = list(islice(client.experiments(limit=str(min(limit, 100)), **filters), limit))
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
    elif items:
        out().print(_list_table(items))
    else:
        err().print("No experiments. Submit one: frs submit FILE")


def show(
    context: typer.Context,
    experiment_id: IdArgument,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Show progress until it ends.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show an experiment and its jobs, once or until it ends."""
    with current(context).connect() as client:
        if follow_it:
            with detached(experiment_id):
                experiment = follow(client, experiment_id, err())
            finish(client, experiment, as_json=as_json)
            return
        experiment = client.experiment(experiment_id)
    if as_json:
        print_json(experiment)
        return
    console = out()
    console.print(ProgressView(experiment, all_jobs=True))
    console.print()
    for job in experiment.jobs:
        console.print(f"[dim]{job.id}[/]  {escape(words.job_title(job))}")
    told: set[str] = set()
    for notice in experiment.warnings:
        if notice.message not in told:  # every job repeats what it sees in the data
            console.print(f"[yellow]! {escape(notice.source)}: {escape(notice.message)}[/]")
        told.add(notice.message)


def compare(
    context: typer.Context,
    experiment_id: IdArgument,
    *,
    baseline: BaselineOption = "none",
    as_json: JsonFlag = False,
) -> None:
    """Compare the methods of an experiment over its seeds."""
    with current(context).connect() as client:
        comparison = client.comparison(experiment_id, baseline)
    if as_json:
        print_json(comparison)
    else:
        out().print(ComparisonView(comparison))


def _list_table(items: list[ExperimentSummary]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("id", no_wrap=True)
    table.add_column("name", overflow="ellipsis", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("jobs done", justify="right", no_wrap=True)
    table.add_column("submitted", no_wrap=True)
    now = datetime.now(UTC)
    for item in items:
        done = sum(item.job_states.get(state, 0) for state in ("succeeded", "failed", "cancelled", "blocked"))
        who = f" by {item.submitted_by}" if item.submitted_by else ""
        table.add_row(
            words.short_id(item.id),
            Text(item.name),
            words.state_text(item.state),
            f"{done}/{item.num_jobs}",
            Text(words.age(item.created_at, now) + who, style="dim"),
        )
    return table
