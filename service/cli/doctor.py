"""`frs doctor`: is this machine fit, and does a server answer?"""

from dataclasses import asdict
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from service.cli.exit_codes import ExitCode
from service.cli.server_checks import server_findings
from service.cli.session import JsonFlag, current, out, print_json
from service.client import SettingsError
from service.client.settings import DEFAULT_DATA_DIR
from service.operate.checks import Finding, Level, checks

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Check this machine, the server and its workers. Exits with 1 if something must be mended."""
    session = current(context)
    try:
        data_dir = session.data_dir
    except SettingsError:
        data_dir = Path(DEFAULT_DATA_DIR)  # the settings are a finding of their own
    findings = [check() for check in checks(data_dir)]
    findings += server_findings(session)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        out().print(_table(findings))
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _table(findings: list[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in findings:
        words = Text(finding.message)
        if finding.remedy:
            words.append(f"\n{finding.remedy}", style="dim")
        table.add_row(Text(finding.level.value, style=STYLES[finding.level]), finding.name, words)
    return table
