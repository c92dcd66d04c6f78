"""`frs report`: an experiment's comparison, written down."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.exit_codes import ExitCode
from service.cli.experiments import BaselineOption
from service.cli.faults import CommandFailure
from service.cli.jobs import IdArgument
from service.cli.session import current, err


def report(
    context: typer.Context,
    experiment_id: IdArgument,
    *,
    report_format: Annotated[
        str, typer.Option("--format", "-f", help="A report of the server: html, pdf, tex, md, csv, json")
    ] = "md",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead.")] = None,
    baseline: BaselineOption = "none",
) -> None:
    """Write the comparison down: a page, a LaTeX table, Markdown, or numbers unrounded."""
    with current(context).connect() as client:
        content = client.report(experiment_id, report_format, baseline)
    if output is None:
        if sys.stdout.isatty() and b"\0" in content:
            raise typer.BadParameter(f"{report_format} is no text: give --output FILE, or redirect")
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandFailure(f"cannot write {output}: {error.strerror}", ExitCode.USAGE) from error
    err().print(f"wrote {output}", markup=False)
