"""How one job looks in full."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.progress import job_state, job_time
from service.client import Job


class JobPage:
    """Draws a job as lines of a name and a value."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in _lines(self._job):
            table.add_row(name, value)
        yield Text.assemble((self._job.name, "bold"), f"  {self._job.id}")
        yield table


def _lines(job: Job) -> Iterator[tuple[str, Text | str]]:
    yield "state", job_state(job, with_tries=True)
    if job.experiment_id is not None:
        yield "experiment", job.experiment_id
    yield "row", Text(f"{job.label}, seed {job.seed} ({job.kind})")
    if job.total_epochs:
        yield "epoch", f"{job.epoch} of {job.total_epochs}"
    if job.total_steps:
        yield "step", f"{job.step} of {job.total_steps}"
    yield "loss", words.loss(job.latest_loss)
    yield "AP on val", words.points(job.latest_ap)
    yield "time", job_time(job)
    if job.reused_from is not None:
        yield "result of", job.reused_from
    if job.reason:
        yield "reason", Text(words.reason(job))
