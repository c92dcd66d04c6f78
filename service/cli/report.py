"""`frs report`: an experiment's comparison, written down."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.cli.arguments import ExperimentId
from service.cli.compare import BaselineOption
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import current, err

DEFAULT_TIMEOUT_SECONDS = 1800.0
"""A report of many runs on a busy server takes minutes; none takes this long."""


def report(
    context: typer.Context,
    experiment_id: ExperimentId,
    *,
    report_format: Annotated[
        str, typer.Option("--format", "-f", help="A report of the server: html, pdf, tex, md, csv, json, zip")
    ] = "md",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead.")] = None,
    baseline: BaselineOption = "none",
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, metavar="SECONDS", help="Wait no longer; then exit with 5.")
    ] = DEFAULT_TIMEOUT_SECONDS,
) -> None:
    """Write the comparison down: a page, a PDF, LaTeX, Markdown, numbers unrounded, or all of it as a zip."""
    with current(context).connect() as client, err().status("asking the server for the report") as status:
        content = client.report(
            client.find_experiment(experiment_id).id,
            report_format,
            baseline,
            watch=lambda made: status.update(f"{100 * made.progress:.0f} %: {made.stage}"),
            timeout_seconds=timeout,
        )
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
