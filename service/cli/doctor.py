"""`frs doctor`: is this machine fit, and does a server answer?"""

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from service.cli.exit_codes import ExitCode
from service.cli.session import JsonFlag, Session, current, data_dir, out, print_json
from service.client import ApiError, UnreachableError
from service.operate.checks import Finding, Level, checks

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Check this machine and the server. Exits with 1 if something must be mended."""
    findings = [check() for check in checks(data_dir())]
    findings.append(_server(current(context)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        out().print(_table(findings))
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _server(session: Session) -> Finding:
    try:
        with session.connect() as client:
            client.ready()
    except UnreachableError as error:
        remedy = f"start one with `frs up`, or set FRS_URL (this address is from {session.source})"
        return Finding(name="server", level=Level.WARN, message=str(error), remedy=remedy)
    except ApiError as error:
        checked = error.problem.get("checks") or {}
        wrong = [f"{name}: {result}" for name, result in checked.items() if result not in {"ok", "polling"}]
        message = "; ".join(wrong) or str(error)
        return Finding(name="server", level=Level.FAIL, message=message, remedy="mend it, or see its log")
    return Finding(name="server", level=Level.OK, message=f"{session.url} is ready")


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
