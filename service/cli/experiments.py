"""`frs list` and `frs show`: reading experiments and jobs."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Literal

import typer
from rich.markup import escape

from service.cli import words
from service.cli.arguments import AnyId
from service.cli.ending import detached, detached_job, finish
from service.cli.follow import follow, follow_job
from service.cli.job_page import JobPage
from service.cli.list_table import DEFAULT_COLUMNS, ListTable, columns_of
from service.cli.progress import ProgressView
from service.cli.session import JsonFlag, current, err, exit_unless, out, print_json
from service.client import Client, Experiment, Job

PAGE = 100
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def list_experiments(
    context: typer.Context,
    *,
    columns: Annotated[
        str | None,
        typer.Option(
            help=f"In this order, a comma between. Default: {','.join(DEFAULT_COLUMNS)}; all: every one."
        ),
    ] = None,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Only those on this data set, by its short name.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only those with a row of this method.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those that this one submitted.")] = None,
    search: Annotated[str | None, typer.Option(help="Part of a name, or the beginning of an id.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Submitted since 2026-03-31, or in the last 90min, 2d, 1w."),
    ] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Those that were archived instead.")] = False,
    sort: Annotated[
        Literal["created", "name", "ap", "delta", "state", "owner"], typer.Option(help="Sorted by this.")
    ] = "created",
    reverse: Annotated[bool, typer.Option("--reverse", "-r", help="The other way round.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List experiments, the newest first. AP and its difference are those of the best row."""
    session = current(context)
    shown = columns_of(columns or session.settings["list_columns"].value)
    asked = {
        "state": state,
        "tag": tag,
        "dataset": dataset,
        "method": method,
        "submitted_by": owner,
        "search": search,
        "since": None if since is None else moment(since, datetime.now(UTC)).isoformat(),
        "archived": "true" if archived else None,
        "sort": None if sort == "created" else sort,
        "direction": _direction(sort) if reverse else None,
    }
    filters = {name: value for name, value in asked.items() if value is not None}
    with session.connect() as client:
        items = list(islice(client.experiments(limit=str(min(limit, PAGE)), **filters), limit))
    if as_json:
        print_json([item.model_dump(mode="json") for item in items])
    elif items:
        out().print(ListTable(items, shown, datetime.now(UTC)))
    elif filters:
        err().print("No experiment is like that.")
    else:
        err().print("No experiments. Submit one: frs submit FILE")


def show(
    context: typer.Context,
    some_id: AnyId,
    follow_it: Annotated[bool, typer.Option("--follow", "-f", help="Show progress until it ends.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show an experiment with its jobs, or a job; once or until it ends."""
    with current(context).connect() as client:
        found = client.find(some_id)
        if isinstance(found, Job):
            _show_job(client, found, follow_it=follow_it, as_json=as_json)
            return
        if follow_it:
            with detached(found.id):
                found = follow(client, found.id, err())
            finish(client, found, as_json=as_json)
            return
    if as_json:
        print_json(found)
    else:
        _print(found)


def moment(text: str, now: datetime) -> datetime:
    """A date, a date and time, or how long ago: 90min, 12h, 2d, 1w. Raises typer.BadParameter.

    >>> moment("2d", datetime(2026, 3, 3, tzinfo=UTC)).day
    1
    """
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = _UNITS.get(text.removeprefix(number))
    try:
        if unit is not None and number.isdigit():
            return now - timedelta(**{unit: int(number)})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no moment: give 2026-03-31, 2026-03-31T12:00, or 90min, 12h, 2d, 1w"
        raise typer.BadParameter(message) from error
    return found.astimezone() if found.tzinfo is None else found


def _direction(sort: str) -> str:
    """Against the usual one: the newest and the highest come first, names from a to z."""
    return "asc" if sort in ("created", "ap", "delta") else "desc"


def _show_job(client: Client, job: Job, *, follow_it: bool, as_json: bool) -> None:
    if follow_it:
        with detached_job(job.id):
            job = follow_job(client, job.id, err())
    if as_json:
        print_json(job)
    else:
        out().print(JobPage(job))
    if follow_it:
        exit_unless(job.state == "succeeded")


def _print(experiment: Experiment) -> None:
    console = out()
    console.print(ProgressView(experiment, all_jobs=True))
    if experiment.tags:
        console.print(f"tags: {', '.join(experiment.tags)}", style="dim", markup=False)
    console.print()
    for job in experiment.jobs:
        console.print(f"[dim]{job.id}[/]  {escape(words.job_title(job))}")
    told: set[str] = set()
    for notice in experiment.warnings:
        if notice.message not in told:  # every job repeats what it sees in the data
            console.print(f"[yellow]! {escape(notice.source)}: {escape(notice.message)}[/]")
        told.add(notice.message)
