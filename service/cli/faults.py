"""Turns what went wrong into words on standard error and an exit code."""

from collections.abc import Iterable, Mapping
from typing import Any

import typer
from rich.markup import escape

from service.cli.exit_codes import ExitCode
from service.cli.session import err
from service.client import (
    AmbiguousReferenceError,
    ApiError,
    ClientError,
    FileFault,
    FileNameError,
    SettingsError,
    UnreachableError,
    WaitTimeoutError,
)
from service.client.experiment_file import ExperimentFile


class CommandFailure(Exception):
    """A command cannot go on; `message` says what is wrong and what to do next."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


_CODES: Mapping[type[Exception], ExitCode] = {
    FileFault: ExitCode.USAGE,
    SettingsError: ExitCode.USAGE,
    AmbiguousReferenceError: ExitCode.REFUSED,
    FileNameError: ExitCode.REFUSED,
    WaitTimeoutError: ExitCode.TIMEOUT,
}


def report(error: Exception) -> ExitCode:
    """Says what went wrong; gives the exit code for it."""
    if isinstance(error, ApiError):
        _say(str(error))
        if len(error.faults) > 1 or any(fault.get("examples") for fault in error.faults):
            show_faults(error.faults)  # of a single one the line above says all
        return ExitCode.REFUSED
    if isinstance(error, UnreachableError):
        _say(f"{error}. Start one with `frs up`, or name another with --url or FRS_URL")
        return ExitCode.UNREACHABLE
    _say(str(error))
    if isinstance(error, CommandFailure):
        return error.code
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), ExitCode.FAILED)


def show_faults(faults: Iterable[Mapping[str, Any]], file: ExperimentFile | None = None) -> None:
    """One line a fault: the field, its line in the file, what is wrong, the value given."""
    console = err()
    for fault in faults:
        field = str(fault.get("field", ""))
        line = file.line(field) if file else None
        place = f" [dim](line {line})[/]" if line else ""
        value = "" if fault.get("value") is None else f"; got {fault['value']!r}"
        console.print(f"  [bold]{escape(field)}[/]{place}: {escape(str(fault.get('message', '')) + value)}")
        for example in fault.get("examples") or ():
            console.print(f"      {escape(str(example))}", style="dim")


def invalid_file(file: ExperimentFile, faults: Iterable[Mapping[str, Any]], summary: str = "") -> typer.Exit:
    """Shows the faults of an experiment file; the caller raises what this gives."""
    _say(f"{file.path} is not a valid experiment{f': {summary}' if summary else ''}")
    show_faults(faults, file)
    return typer.Exit(ExitCode.USAGE)


def _say(message: str) -> None:
    err().print(f"[bold red]error:[/] {escape(message)}")


HANDLED: tuple[type[Exception], ...] = (ClientError, CommandFailure)
