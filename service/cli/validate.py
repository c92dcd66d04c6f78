"""`frs validate`: is a file an experiment, and is its data sound?"""

from typing import Annotated

import typer
from rich.markup import escape

from service.cli import local_check
from service.cli.faults import invalid_file
from service.cli.session import JsonFlag, out, print_json
from service.cli.submit import FileArgument, SetOption, changed
from service.client.experiment_file import read_experiment_file


def validate(
    file: FileArgument,
    *,
    changes: SetOption = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds instead of the file's: 0,1,2 or 0-4.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check FILE, and the data it names, on this machine. No server is asked."""
    parsed = changed(read_experiment_file(file), changes, seeds)
    verdict = local_check.check_file(parsed)
    if as_json:
        print_json(verdict.as_dict())
    if verdict.faults:
        raise invalid_file(parsed, verdict.faults)
    if not as_json:
        out().print(f"[green]valid[/]  {escape(verdict.summary)}")
        for warning in verdict.warnings:
            out().print(f"[yellow]! {escape(warning)}[/]")
