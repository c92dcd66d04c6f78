"""How running work looks: one line a job."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.client import Experiment, Job

BAR_WIDTH = 14
NARROW_COLUMNS = 100
OTHER_LINES = 8
"""Terminal lines kept free for the heading, the summary, and the user's own prompt."""


class ProgressView:
    """Draws one experiment for the width and, unless `all_jobs`, the height it is given."""

    def __init__(self, experiment: Experiment, *, note: str = "", all_jobs: bool = False) -> None:
        self._experiment = experiment
        self._note = note
        self._all_jobs = all_jobs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        limit = len(self._experiment.jobs) if self._all_jobs else max(3, height - OTHER_LINES)
        jobs, hidden = visible_jobs(self._experiment.jobs, limit)
        wide = options.max_width >= NARROW_COLUMNS
        parts: list[RenderableType] = [_heading(self._experiment), _job_table(jobs, wide=wide)]
        if hidden:
            parts.append(Text(f"… and {len(hidden)} more: {count_states(hidden)}", style="dim"))
        parts += [_reason(job) for job in jobs if job.reason and job.state in {"failed", "blocked", "queued"}]
        if self._note:
            parts.append(Text(self._note, style="dim"))
        yield Group(*parts)


class JobView:
    """Draws one job."""

    def __init__(self, job: Job, *, note: str = "") -> None:
        self._job = job
        self._note = note

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _job_table([self._job], wide=options.max_width >= NARROW_COLUMNS)
        if self._job.reason and self._job.state != "running":
            yield _reason(self._job)
        if self._note:
            yield Text(self._note, style="dim")


def visible_jobs(jobs: Sequence[Job], limit: int) -> tuple[list[Job], list[Job]]:
    """The jobs to draw, in their order, and those left out: what runs matters most, then what went wrong."""
    if len(jobs) <= limit:
        return list(jobs), []
    importance = {"running": 0, "failed": 1, "blocked": 2, "paused": 2, "succeeded": 3, "cancelled": 3}
    ranked = sorted(range(len(jobs)), key=lambda index: (importance.get(jobs[index].state, 4), index))
    shown = set(ranked[:limit])
    return (
        [job for index, job in enumerate(jobs) if index in shown],
        [job for index, job in enumerate(jobs) if index not in shown],
    )


def count_states(jobs: Sequence[Job]) -> str:
    """For instance: 3 queued, 1 succeeded."""
    states = [job.state for job in jobs]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def plain_line(job: Job) -> str:
    """One line of a log about a job, for output that is no terminal."""
    parts = [words.job_title(job), job.state]
    if job.state == "running" and job.phase:
        parts.append(job.phase)
    if job.total_epochs and job.epoch:
        parts.append(f"epoch {job.epoch}/{job.total_epochs}")
    if job.latest_loss is not None:
        parts.append(f"loss {words.loss(job.latest_loss)}")
    if job.latest_ap is not None:
        parts.append(f"AP {words.points(job.latest_ap)}")
    if job.eta_seconds is not None and not job.finished:
        parts.append(f"ETA {words.duration(job.eta_seconds)}")
    if job.reason and job.state != "running":
        parts.append(words.reason(job))
    return "  ".join(parts)


def _heading(experiment: Experiment) -> Text:
    done = sum(job.finished for job in experiment.jobs)
    return Text.assemble(
        (experiment.name, "bold"),
        (f"  {words.short_id(experiment.id)}  ", "dim"),
        words.state_text(experiment.state),
        (f"  {done} of {len(experiment.jobs)} jobs done", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _job_table(jobs: Sequence[Job], *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("job", no_wrap=True, overflow="ellipsis", max_width=60 if wide else 24)
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True, min_width=10)
    if wide:
        table.add_column("", no_wrap=True, width=BAR_WIDTH)
    for name, width in (("epoch", 5), ("loss", 7), ("AP", 5), ("ETA", 9)):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    for job in jobs:
        table.add_row(*_cells(job, wide=wide))
    return table


def _cells(job: Job, *, wide: bool) -> list[RenderableType]:
    epoch = f"{job.epoch}/{job.total_epochs}" if job.total_epochs else words.NOTHING
    title = words.tried(job) if job.role == "search" else job.label
    cells: list[RenderableType] = [
        Text(title),
        words.NOTHING if job.role == "external" else str(job.seed),
        job_state(job, with_tries=wide),
    ]
    if wide:
        cells.append(job_bar(job))
    return [*cells, epoch, words.loss(job.latest_loss), words.points(job.latest_ap), job_time(job)]


def job_state(job: Job, *, with_tries: bool) -> Text:
    """Its state with what is under way, and how often it was tried."""
    text = words.state_text(job.state)
    if job.reused_from is not None and job.state == "succeeded":
        text = Text("reused", style=words.STATE_STYLES["succeeded"])
    elif job.state == "running" and job.desired_state == "cancel":
        text = Text("cancelling", style=words.STATE_STYLES["cancelled"])
    elif job.state == "running" and job.desired_state == "pause":
        text = Text("pausing", style=words.STATE_STYLES["paused"])
    elif job.state == "running" and job.phase and job.phase != "training":
        text = Text(job.phase, style=words.STATE_STYLES["running"])
    if with_tries and job.num_attempts > 1:
        text.append(f" (try {job.num_attempts})", style="dim")
    return text


def job_bar(job: Job) -> RenderableType:
    """The share of its steps that is done."""
    if job.state == "succeeded":
        return ProgressBar(total=1, completed=1, width=BAR_WIDTH)
    return ProgressBar(total=max(1, job.total_steps), completed=job.step, width=BAR_WIDTH)


def job_time(job: Job) -> Text:
    """What is still to come, or what it took."""
    if job.finished:
        if job.started_at is None or job.finished_at is None:
            return Text(words.NOTHING, style="dim")
        return Text(f"took {words.duration((job.finished_at - job.started_at).total_seconds())}", style="dim")
    return Text(words.duration(job.eta_seconds))


def _reason(job: Job) -> Text:
    return Text(f"{words.job_title(job)}: {words.reason(job)}", style=words.STATE_STYLES[job.state])
