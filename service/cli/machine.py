"""`frs up`, `frs down` and `frs demo`: the commands that start and stop processes on this machine.

The server's packages are imported inside the commands only: all others work without them.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape

from service.cli.demo import EMBEDDED_ONLY, new_data_dir, run_demo
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Client
from service.client.experiment_file import read_experiment_file
from service.client.local_key import local_key

if TYPE_CHECKING:
    from service.settings import Settings

DataDirOption = Annotated[
    Path | None,
    typer.Option(envvar="FRS_DATA_DIR", help="Its data folder. Default: ./data", file_okay=False),
]


def up(
    context: typer.Context,
    data_dir: DataDirOption = None,
    *,
    host: Annotated[str | None, typer.Option(envvar="FRS_HOST", help="Default: 127.0.0.1")] = None,
    port: Annotated[
        int | None,
        typer.Option(envvar="FRS_PORT", min=0, max=65535, help="Default: 8000; 0 takes any free one."),
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option(envvar="FRS_DEVICES", help="GPUs for jobs, as 0,1; or none. Default: all there are."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it is ready.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Start the system on this machine: API, worker, database and broker. Ctrl-C or `frs down` stops it."""
    given = {"data_dir": data_dir, "host": host, "port": port, "devices": devices}
    settings = machine_settings(**_with_file(context, given))
    from service.operate.errors import OperateError
    from service.operate.up import AlreadyRunningError, serve, start_detached

    def ready(url: str) -> None:
        _say_ready(url, settings, detach=detach, as_json=as_json)

    try:
        if detach:
            ready(start_detached(settings))
        else:
            serve(settings, say=say, ready=ready)
    except AlreadyRunningError as error:
        if as_json:
            print_json({"url": error.url, "already_running": True})
        else:
            out().print(str(error), markup=False)
    except OperateError as error:
        raise CommandFailure(str(error), ExitCode.FAILED) from error


def down(context: typer.Context, data_dir: DataDirOption = None, as_json: JsonFlag = False) -> None:
    """Stop the system on this machine. A running job is handed back and resumes after the next `frs up`."""
    settings = machine_settings(**_with_file(context, {"data_dir": data_dir}))
    from service.operate.down import down as stop

    stopped = stop(settings)
    if as_json:
        print_json({"stopped": stopped})
    else:
        out().print(
            "stopped" if stopped else f"nothing runs from {settings.data_dir.absolute()}", markup=False
        )


def demo(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An experiment, in YAML.")],
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder for the reports. Default: the data folder.", file_okay=False)
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Data folder. Default: a new one in ./.demo", file_okay=False)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run FILE on a system of its own that is stopped at the end, and write the reports."""
    settings = machine_settings(
        data_dir=data_dir or new_data_dir(), host="127.0.0.1", port=0, **EMBEDDED_ONLY
    )
    from service.operate.errors import OperateError

    try:
        code = run_demo(
            read_experiment_file(file), settings, output_dir or settings.data_dir, as_json=as_json
        )
    except OperateError as error:
        raise CommandFailure(str(error), ExitCode.FAILED) from error
    raise typer.Exit(code)


def _with_file(context: typer.Context, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, and for the rest what frs.toml says."""
    settings = current(context).settings
    in_file = {name: settings[name].value for name in given if settings[name].source == str(settings.file)}
    return {name: in_file.get(name) if value is None else value for name, value in given.items()}


def machine_settings(**given: Any) -> "Settings":
    """The settings of the environment with what was given on the command line."""
    try:
        from service.settings import Settings
    except ImportError as error:
        raise CommandFailure(
            f"this needs the package {error.name}: pip install 'frs-distill[embedded]'", ExitCode.FAILED
        ) from error
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(
            f"FRS_{'_'.join(map(str, fault['loc'])).upper()} is {fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        )
        raise CommandFailure(f"the settings are not valid: {faults}", ExitCode.USAGE) from error


def say(message: str) -> None:
    """Progress, on standard error."""
    # The terminal may be closed (rich then exits), and the system must still be stopped.
    with suppress(OSError, SystemExit):
        err().print(message, style="dim", markup=False)


def _login_link(url: str, settings: "Settings") -> str | None:
    """Where a browser gets in without a prompt; None where the system has no key of its own."""
    key = local_key(settings.data_dir, url)
    if key is None:
        return None
    with Client(url, key) as client:
        return client.login_link()[0]


def _say_ready(url: str, settings: "Settings", *, detach: bool, as_json: bool) -> None:
    link = _login_link(url, settings)
    if as_json:
        print_json({"url": url, "data_dir": str(settings.data_dir.absolute()), "login_url": link})
        return
    out().print(f"[green]ready[/]  {escape(url)}")
    if link is not None:
        out().print(f"open   {escape(link)}", soft_wrap=True)
        err().print("that address logs a browser in once; `frs open` makes another", style="dim")
    logs = settings.data_dir.absolute() / "logs"
    stop = f"frs down --data-dir {settings.data_dir}" if detach else "Ctrl-C"
    err().print(f"logs in {logs}; stop with {stop}", style="dim", markup=False)
