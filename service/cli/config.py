"""`frs config`: where each setting comes from, and `frs.toml`."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.cli.exit_codes import ExitCode
from service.cli.faults import CommandFailure
from service.cli.session import JsonFlag, current, err, out, print_json
from service.client import SettingsError
from service.client.settings import SECRET, ClientSettings, Found
from service.client.settings_file import KEYS, NAME, check_name, find, read_text, with_value

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help=f"One of {', '.join(KEYS)}.", autocompletion=lambda: list(KEYS))
]
ORDER = (
    f"An option goes before FRS_* in the environment, that before {NAME} in this folder or the nearest one "
    "around it within the repository, and that before what `frs up` recorded."
)

app = typer.Typer(help=f"Show the settings and where each comes from; change {NAME}.\n\n{ORDER}")


@app.callback(invoke_without_command=True)
def show(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show each setting, and where it comes from."""
    if context.invoked_subcommand is not None:
        return
    settings = current(context).settings
    found = {name: _shown(name, each) for name, each in settings.found.items()}
    if as_json:
        print_json(
            {
                "file": None if settings.file is None else str(settings.file),
                "settings": [
                    {"name": name, "value": each.value, "source": each.source} for name, each in found.items()
                ],
            }
        )
        return
    out().print(_table(found))


@app.command("get")
def get_one(context: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Print one setting, as it holds here. Exits with 4 where nothing sets it."""
    found = _one(current(context).settings, name)
    if as_json:
        print_json({"name": name, "value": found.value, "source": found.source})
    elif found.value is None:
        raise CommandFailure(f"{name} is not set", ExitCode.REFUSED)
    else:
        out().print(found.text, markup=False, soft_wrap=True)


@app.command("set")
def set_one(
    name: NameArgument, value: Annotated[str, typer.Argument(metavar="VALUE", help="Read as YAML.")]
) -> None:
    """Write one setting into ./frs.toml, and leave the rest of the file as it is."""
    _write(name, _typed(name, value))


@app.command("unset")
def unset_one(name: NameArgument) -> None:
    """Take one setting out of ./frs.toml."""
    _write(name, None)


@app.command("path")
def path_of(as_json: JsonFlag = False) -> None:
    """Print the path of the frs.toml that holds here. Exits with 4 where there is none."""
    file = find(Path.cwd())
    if as_json:
        print_json({"path": None if file is None else str(file)})
    elif file is None:
        raise CommandFailure(f"no {NAME} here: make one with frs config set NAME VALUE", ExitCode.REFUSED)
    else:
        out().print(str(file), markup=False, soft_wrap=True)


def _one(settings: ClientSettings, name: str) -> Found:
    check_name(name)
    return settings[name]


def _typed(name: str, text: str) -> Any:
    """A number where the setting is one; the text itself elsewhere, so that 0,1 stays a text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and check_name(name).fault(value) is None else text


def _write(name: str, value: Any) -> None:
    check_name(name)
    path = Path.cwd() / NAME
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = with_value(before, name, value)
        read_text(after, path)
        path.write_text(after, encoding="utf-8")
    except SettingsError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailure(f"cannot write {path}: {error}", ExitCode.USAGE) from error
    err().print(f"wrote {path}", markup=False, style="dim")


def _shown(name: str, found: Found) -> Found:
    """The key itself is never shown: a screen is looked at by others."""
    if name == SECRET and found.value is not None:
        return Found(value="(set)", source=found.source)
    return found


def _table(found: dict[str, Found]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold")
    for name, each in found.items():
        value = words.NOTHING if each.value is None else each.text
        table.add_row(name, Text(value), Text(each.source, style="dim"))
    return table
