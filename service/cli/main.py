"""The `frs` command: every subcommand by its name."""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from service.cli import (
    backup,
    compare,
    config,
    control,
    datasets,
    doctor,
    download,
    experiments,
    export,
    extend,
    external,
    imports,
    jobs,
    keys,
    machine,
    plan,
    predict,
    record,
    report,
    storage,
    submit,
    tag,
    validate,
    waiting,
    watch,
    webhooks,
    workers,
)
from service.cli.exit_codes import HELP, ExitCode
from service.cli.faults import HANDLED
from service.cli.faults import report as report_fault
from service.cli.session import open_session


class _Commands(TyperGroup):
    """Ends quietly where the reader of the output has gone, and with its own code after Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # what is still to be flushed at exit goes nowhere, instead of raising once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.CLOSED) from None
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.DETACHED) from None
        return answer


app = typer.Typer(
    name="frs",
    cls=_Commands,
    help="Distil object detectors and compare the results.\n\n"
    "Begin with `frs up --detach`, then `frs submit FILE --follow`.",
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
        typer.Option(
            help="The server. Default: FRS_URL, then `url` in frs.toml, then the one `frs up` started here."
        ),
    ] = None,
    no_color: Annotated[
        bool, typer.Option("--no-color", help="Print no colours, as NO_COLOR=1 does.")
    ] = False,
) -> None:
    if no_color:
        os.environ["NO_COLOR"] = "1"
    context.obj = open_session(url)


_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Experiments": {
        "submit": submit.submit,
        "validate": validate.validate,
        "plan": plan.plan,
        "list": experiments.list_experiments,
        "show": experiments.show,
        "watch": watch.watch,
        "wait": waiting.wait,
        "logs": jobs.logs,
    },
    "Results": {
        "compare": compare.compare,
        "report": report.report,
        "export": export.export,
        "download": download.download,
        "predict": predict.predict,
        "external": external.external,
        "cite": external.cite,
        "record": record.record,
        "import": record.import_record,
    },
    "Changes": {
        "cancel": control.cancel,
        "pause": control.pause,
        "resume": control.resume,
        "priority": control.priority,
        "clone": control.clone,
        "extend": extend.extend,
    },
    "Data and weights": {
        "import-checkpoint": imports.import_checkpoint,
    },
    "This machine": {
        "up": machine.up,
        "down": machine.down,
        "demo": machine.demo,
        "open": keys.open_dashboard,
        "doctor": doctor.doctor,
    },
    "A server": {
        "workers": workers.workers,
        "retention": storage.retention,
        "gc": storage.gc,
        "backup": backup.backup,
        "restore": backup.restore,
    },
}
_GROUPS: dict[str, tuple[str, typer.Typer]] = {
    "tag": ("Changes", tag.app),
    "datasets": ("Data and weights", datasets.app),
    "config": ("This machine", config.app),
    "worker": ("A server", workers.app),
    "key": ("A server", keys.app),
    "webhook": ("A server", webhooks.app),
}
for _panel, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, epilog=HELP, rich_help_panel=_panel)(_command)
for _name, (_panel, _group) in _GROUPS.items():
    app.add_typer(_group, name=_name, epilog=HELP, rich_help_panel=_panel)


def main() -> None:
    """Runs the command line; exits with one of `ExitCode`."""
    try:
        app(prog_name="frs")
    except HANDLED as error:
        sys.exit(report_fault(error))


if __name__ == "__main__":
    main()
