"""The demo: a whole system of its own, one experiment on it, the reports, and nothing left running."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from service.cli import words
from service.cli.ending import show_comparison
from service.cli.exit_codes import ExitCode
from service.cli.faults import invalid_file
from service.cli.follow import follow
from service.cli.session import err, out, print_json
from service.client import ApiError, Client, Experiment
from service.client.experiment_file import ExperimentFile
from service.client.local_key import local_key

if TYPE_CHECKING:
    from service.settings import Settings

REPORT_FORMATS = ("html", "pdf", "tex", "md", "csv", "json", "zip")
LOG_LINES = 20
EMBEDDED_ONLY = {"database_url": "", "broker_url": "", "artifacts_url": ""}
"""Settings that keep the demo away from servers that the environment may name."""


def new_data_dir() -> Path:
    """A folder that does not exist yet."""
    return Path(".demo") / time.strftime("%Y%m%d-%H%M%S")


def run_demo(
    file: ExperimentFile, settings: "Settings", output_dir: Path, *, as_json: bool = False
) -> ExitCode:
    """Runs the experiment, writes its reports; gives the exit code. Raises OperateError if nothing starts."""
    started = time.monotonic()
    console = err() if as_json else out()
    with _system(settings) as url, Client(url, local_key(settings.data_dir, url)) as client:
        link, _ = client.login_link()
        console.print(f"[bold]Dashboard:[/] {link}   [dim](until the demo ends)[/]", soft_wrap=True)
        experiment = follow(client, _submit(client, file).id, console)
        show_comparison(client, experiment, console)
        succeeded = experiment.state == "succeeded"
        written = _write_reports(client, experiment, output_dir) if succeeded else []
        _show_failures(client, experiment)
    if written:
        names = ", ".join(path.name for path in written)
        console.print(f"\nReports in {output_dir}: {names}", markup=False, soft_wrap=True)
    took = words.duration(time.monotonic() - started)
    ending = f"Took {took}; everything is stopped. Data in {settings.data_dir}"
    console.print(ending, markup=False, soft_wrap=True)
    if as_json:
        print_json({"id": experiment.id, "state": experiment.state, "reports": list(map(str, written))})
    return ExitCode.OK if succeeded else ExitCode.FAILED


@contextmanager
def _system(settings: "Settings") -> Iterator[str]:
    from service.operate.down import down
    from service.operate.up import start_detached

    with _terminated_like_interrupted():
        try:
            err().print("Starting the system …", style="dim")
            yield start_detached(settings)
        finally:
            err().print("Stopping the system …", style="dim")
            down(settings)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """TERM stops the system as Ctrl-C does, instead of leaving it behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _submit(client: Client, file: ExperimentFile) -> Experiment:
    try:
        return client.submit_experiment(file.content)
    except ApiError as error:
        if error.faults:
            raise invalid_file(file, error.faults) from error
        raise


def _show_failures(client: Client, experiment: Experiment) -> None:
    for job in experiment.jobs:
        if job.state in {"failed", "blocked"}:
            err().print(f"[bold red]{escape(words.job_title(job))}:[/] {escape(words.reason(job))}")
        if job.state == "failed":
            lines = client.whole_log(job.id).splitlines()[-LOG_LINES:]
            err().print("\n".join(f"  {line}" for line in lines), markup=False, style="dim")


def _write_reports(client: Client, experiment: Experiment, output_dir: Path) -> list[Path]:
    output_dir.mkdir(parents=True, exist_ok=True)
    written = []
    for report_format in REPORT_FORMATS:
        path = output_dir / f"comparison.{report_format}"
        path.write_bytes(client.report(experiment.id, report_format))
        written.append(path)
    return written
