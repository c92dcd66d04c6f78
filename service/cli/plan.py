"""`frs plan`: what an experiment will cost, before it is submitted."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.ending import detached_job
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.predict import wait_for
from service.cli.session import JsonFlag, current, err, out, print_json
from service.cli.submit import FileArgument, faults_of
from service.client import Client, Plan, Planned
from service.client.experiment_file import read_experiment_file
from service.client.plans import PlanRow

_FITS = {True: "[green]yes[/]", False: "[bold red]no[/]", None: words.NOTHING}


def plan(
    context: typer.Context,
    file: FileArgument,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Count only; time nothing on a worker.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Tell an experiment's jobs, steps, time, disk and memory, and what to change where it does not fit.

    A worker tries a few steps of each row; nothing is trained, and no experiment is made.
    """
    parsed = read_experiment_file(file)
    with current(context).connect() as client:
        with faults_of(parsed):
            planned = client.plan_experiment(parsed.content, quick=quick)
        found = _timed(client, planned)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _timed(client: Client, planned: Planned) -> Plan:
    """The plan once the job that times it has ended, if there is one."""
    if planned.job is None:
        return planned.plan
    with detached_job(planned.job.id):
        job = wait_for(client, planned.job, err())
    if job.state != "succeeded":
        raise CommandFailure(
            f"timing {job.state}: {words.reason(job)}; `frs plan --quick` needs no worker", ExitCode.FAILED
        )
    return client.timed_plan(job.id)


def _show(found: Plan) -> None:
    console = out()
    console.print(_table(found))
    console.print()
    console.print(_summary(found), markup=False)
    for row in found.rows:
        for number, line in enumerate(row.advice):
            start = f"[bold]{escape(row.label)}[/] does not fit: " if number == 0 else "  or "
            console.print(start + escape(line))
    for note in found.notes:
        console.print(f"[yellow]! {escape(note)}[/]")


def _summary(found: Plan) -> str:
    parts = [f"{found.num_jobs} jobs"]
    if found.steps is not None:
        parts.append(f"{found.steps} steps")
    if found.seconds is not None:
        at_a_time = f"{found.num_slots} jobs at a time" if found.num_slots > 1 else "one job at a time"
        parts.append(f"about {words.duration(found.seconds)} with {at_a_time}")
    if found.disk_bytes is not None:
        parts.append(f"{words.size(found.disk_bytes)} on disk")
    if found.device is not None:
        parts.append(f"timed on {found.device.name} ({words.size(found.device.memory_bytes)})")
    return ", ".join(parts)


def _table(found: Plan) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("row", no_wrap=True, overflow="ellipsis")
    for name in ("jobs", "batch", "steps", "s/step", "time a job", "memory", "disk", "fits"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(Text(row.label), *_cells(row))
    return table


def _cells(row: PlanRow) -> list[str]:
    return [
        str(row.jobs),
        str(row.batch_size),
        words.NOTHING if row.steps is None else str(row.steps),
        words.loss(row.seconds_per_step),
        words.duration(row.seconds),
        words.size(row.memory_bytes),
        words.size(row.disk_bytes),
        _FITS[row.fits],
    ]
