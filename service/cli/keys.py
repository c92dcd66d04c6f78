"""`frs key`: who may use the server, and how much of it. `frs open`: the dashboard, logged in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from service.access.roles import Role
from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import Key

app = typer.Typer(no_args_is_help=True, help="Make, list, limit and revoke API keys. Takes an admin's key.")

KeyArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A key's public id, or a unique beginning of it.")
]
Limit = Annotated[str | None, typer.Option(metavar="N|none", help="none: as much as there is.")]
LIMITS = ("max_queued_jobs", "max_running_gpus", "max_stored_bytes", "requests_per_minute")
_STYLES = {"valid": "green", "expired": "yellow", "revoked": "dim"}


@app.command()
def create(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="Whose it is: shown as the owner of what it submits.")],
    role: Annotated[Role, typer.Option(help="Each may do what the ones before it may.")] = Role.SUBMITTER,
    days: Annotated[
        int | None, typer.Option(min=1, max=36500, help="For how long. Default: until it is revoked.")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Straight into the server's database: for the first key.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make a key and print it, once. Set it as FRS_API_KEY, or log in with it at the dashboard."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    if local:
        key = _create_locally(name, role, expires_at)
        print_json({"key": key}) if as_json else _tell(key)
        return
    with current(context).connect() as client:
        made = client.create_key(name, role, expires_at=expires_at)
    print_json(made) if as_json else _tell(made.key)


@app.command("list")
def list_keys(
    context: typer.Context,
    all_of_them: Annotated[bool, typer.Option("--all", help="Expired and revoked ones, too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the keys, with when each was used last."""
    with current(context).connect() as client:
        found = [key for key in client.list_keys() if all_of_them or key.state == "valid"]
    if as_json:
        print_json([key.model_dump(mode="json") for key in found])
    else:
        out().print(_table(found))


@app.command()
def revoke(context: typer.Context, key_id: KeyArgument, as_json: JsonFlag = False) -> None:
    """End a key, at once and for ever, with the browser sessions that it opened."""
    with current(context).connect() as client:
        key = client.revoke_key(key_id)
    print_json(key) if as_json else out().print(_table([key]))


@app.command()
def limits(
    context: typer.Context,
    key_id: KeyArgument,
    *,
    max_queued_jobs: Limit = None,
    max_running_gpus: Limit = None,
    max_stored_bytes: Limit = None,
    requests_per_minute: Limit = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what a key may use at most, or change it."""
    given = (max_queued_jobs, max_running_gpus, max_stored_bytes, requests_per_minute)
    changes = {name: _number(name, text) for name, text in zip(LIMITS, given, strict=True) if text}
    with current(context).connect() as client:
        key = client.change_key(key_id, changes)
    print_json(key) if as_json else out().print(_limits(key), markup=False)


def open_dashboard(
    context: typer.Context,
    *,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address; open no browser.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Open the dashboard in a browser that is logged in at once. The address works a single time."""
    with current(context).connect() as client:
        url, expires_at = client.login_link()
    if as_json:
        print_json({"url": url, "expires_at": expires_at.isoformat()})
    else:
        out().print(url, markup=False, soft_wrap=True)
        err().print(f"works once, until {expires_at:%H:%M} UTC", style="dim")
    if not only_print and not as_json:
        typer.launch(url)


def _create_locally(name: str, role: Role, expires_at: datetime | None) -> str:
    from service.cli.machine import machine_settings
    from service.operate.errors import OperateError
    from service.operate.first_key import create_first_key

    try:
        return create_first_key(machine_settings(), name=name, role=role, expires_at=expires_at)
    except OperateError as error:
        raise CommandFailure(str(error), ExitCode.FAILED) from error


def _tell(key: str) -> None:
    out().print(key, markup=False, soft_wrap=True)
    err().print("It is not shown again. Set it as FRS_API_KEY, or log in with it.", style="dim")


def _number(name: str, text: str) -> int | None:
    if text == "none":
        return None
    if not (text.isascii() and text.isdecimal()):
        message = f"--{name.replace('_', '-')} is {text!r}: give a whole number, or none"
        raise CommandFailure(message, ExitCode.USAGE)
    return int(text)


def _limits(key: Key) -> str:
    values: Mapping[str, Any] = key.model_dump()
    told = (f"{name}: {'none' if values[name] is None else values[name]}" for name in LIMITS)
    return "\n".join((f"{words.short_id(key.id)}  {key.name}", *told))


def _table(found: Sequence[Key]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("id", "name", "role", "state", "used", "expires"):
        table.add_column(name, no_wrap=name != "name")
    moment = datetime.now(UTC)
    for key in found:
        table.add_row(
            words.short_id(key.id),
            Text(key.name),
            key.role,
            Text(key.state, style=_STYLES.get(key.state, "")),
            words.NOTHING if key.last_used_at is None else words.age(key.last_used_at, moment),
            words.NOTHING if key.expires_at is None else f"{key.expires_at:%Y-%m-%d}",
        )
    return table
