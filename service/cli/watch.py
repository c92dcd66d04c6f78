"""`frs watch`: what runs, as it runs."""

import time
from collections.abc import Mapping, Sequence
from itertools import islice

import typer
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.text import Text

from service.cli import follow, words
from service.cli.arguments import MaybeId
from service.cli.ending import detached, detached_job, finish
from service.cli.exit_codes import ExitCode
from service.cli.fitting import Heading, fitted
from service.cli.progress import NARROW_COLUMNS, job_bar, job_state, job_time, plain_line
from service.cli.session import current, err, exit_unless, is_live, out
from service.client import Client, Job, UnreachableError

MAX_JOBS = 200
OTHER_LINES = 4
HEADINGS = (
    Heading(name="id"),
    Heading(name="experiment", gives_way=True),
    Heading(name="job", gives_way=True),
    Heading(name="state"),
    Heading(name=""),
    Heading(name="loss", justify="right"),
    Heading(name="AP", justify="right"),
    Heading(name="epoch", justify="right"),
    Heading(name="ETA", justify="right"),
)
WIDE_ONLY = ("", "loss", "AP")


def watch(context: typer.Context, some_id: MaybeId = None) -> None:
    """Watch an experiment or a job until it ends, or all that run until nothing runs or waits any more.

    A table on a terminal, lines elsewhere. Ctrl-C leaves the work alone.
    """
    with current(context).connect() as client:
        if not some_id:
            _watch_all(client, out())
            return
        found = client.find(some_id)
        if isinstance(found, Job):
            with detached_job(found.id):
                job = follow.follow_job(client, found.id, err())
            out().print(plain_line(job), markup=False)
            exit_unless(job.state == "succeeded")
            return
        with detached(found.id):
            experiment = follow.follow(client, found.id, err())
        finish(client, experiment, as_json=False)


class RunningView:
    """Draws running jobs of many experiments for the width and the height it is given."""

    def __init__(
        self, jobs: Sequence[Job], names: Mapping[str, str], num_queued: int, note: str = ""
    ) -> None:
        self._jobs = jobs
        self._names = names
        self._num_queued = num_queued
        self._note = note

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= NARROW_COLUMNS
        limit = max(3, (options.height or console.height) - OTHER_LINES)
        yield Text(f"{len(self._jobs)} running, {self._num_queued} queued", style="bold")
        if self._jobs:
            headings = [each for each in HEADINGS if wide or each.name not in WIDE_ONLY]
            rows = [self._cells(job, wide=wide) for job in self._jobs[:limit]]
            yield fitted(headings, rows, options.max_width)
        if len(self._jobs) > limit:
            yield Text(f"… and {len(self._jobs) - limit} more", style="dim")
        if self._note:
            yield Text(self._note, style="dim")

    def _cells(self, job: Job, *, wide: bool) -> list[RenderableType]:
        epoch = f"{job.epoch}/{job.total_epochs}" if job.total_epochs else words.NOTHING
        more = [job_bar(job), words.loss(job.latest_loss), words.points(job.latest_ap)] if wide else []
        return [
            words.short_id(job.id),
            Text(self._names.get(job.experiment_id or "", words.NOTHING)),
            Text(words.job_title(job)),
            job_state(job, with_tries=wide),
            *more,
            epoch,
            job_time(job),
        ]


def _watch_all(client: Client, console: Console) -> None:
    try:
        if is_live(console):
            _draw_all(client, console)
        else:
            _list_all(client, console)
    except KeyboardInterrupt:
        err().print("\nStopped watching; everything goes on.")
        raise typer.Exit(ExitCode.DETACHED) from None
    err().print("Nothing runs or waits any more.")


def _draw_all(client: Client, console: Console) -> None:
    names: dict[str, str] = {}
    running, num_queued = _look(client, names)
    with Live(RunningView(running, names, num_queued), console=console, refresh_per_second=4) as live:
        while running or num_queued:
            time.sleep(follow.POLL_SECONDS)
            note = ""
            try:
                running, num_queued = _look(client, names)
            except UnreachableError as error:
                note = f"{error}; trying again"
            live.update(RunningView(running, names, num_queued, note))


def _list_all(client: Client, console: Console) -> None:
    """A line whenever a job comes to a new state or epoch, and when it is gone."""
    names: dict[str, str] = {}
    told: dict[str, tuple[str, int]] = {}
    while True:
        running, num_queued = _look(client, names)
        for job in [*running, *(client.job(each) for each in told.keys() - {job.id for job in running})]:
            if told.get(job.id) != (job.state, job.epoch):
                told[job.id] = (job.state, job.epoch)
                name = names.get(job.experiment_id or "", "")
                console.out(f"{time.strftime('%H:%M:%S')}  {name}  {plain_line(job)}")
            if job.finished:
                del told[job.id]
        if not (running or num_queued):
            return
        time.sleep(follow.POLL_SECONDS)


def _look(client: Client, names: dict[str, str]) -> tuple[list[Job], int]:
    """The running jobs, and how many are queued; learns the names of new experiments."""
    running = list(islice(client.jobs(state="running", limit=str(MAX_JOBS)), MAX_JOBS))
    queued = islice(client.jobs(state="queued", limit=str(MAX_JOBS)), MAX_JOBS)
    for experiment_id in {job.experiment_id for job in running} - {None, *names}:
        names[str(experiment_id)] = client.experiment(str(experiment_id)).name
    return running, sum(1 for _ in queued)
