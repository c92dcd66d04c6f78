"""The `frs` command: every subcommand by its name."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from service.cli import (
    control,
    doctor,
    download,
    experiments,
    extend,
    jobs,
    machine,
    plan,
    predict,
    record,
    report,
    submit,
    workers,
)
from service.cli.exit_codes import HELP
from service.cli.faults import HANDLED
from service.cli.faults import report as report_fault
from service.cli.session import open_session

app = typer.Typer(
    name="frs",
    help="Distil object detectors and compare the results.",
    epilog=HELP,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(envvar="FRS_URL", help="The server. Default: the one that `frs up` started here."),
    ] = None,
) -> None:
    context.obj = open_session(url)


_COMMANDS: dict[str, Callable[..., None]] = {
    "up": machine.up,
    "down": machine.down,
    "submit": submit.submit,
    "validate": submit.validate,
    "plan": plan.plan,
    "list": experiments.list_experiments,
    "show": experiments.show,
    "compare": experiments.compare,
    "report": report.report,
    "download": download.download,
    "predict": predict.predict,
    "record": record.record,
    "import": record.import_record,
    "logs": jobs.logs,
    "cancel": control.cancel,
    "pause": control.pause,
    "resume": control.resume,
    "priority": control.priority,
    "clone": control.clone,
    "extend": extend.extend,
    "workers": workers.workers,
    "doctor": doctor.doctor,
    "demo": machine.demo,
}
for _name, _command in _COMMANDS.items():
    app.command(_name, epilog=HELP)(_command)
app.add_typer(workers.app, name="worker", epilog=HELP)


def main() -> None:
    """Runs the command line; exits with one of `ExitCode`."""
    try:
        app()
    except HANDLED as error:
        sys.exit(report_fault(error))


if __name__ == "__main__":
    main()
