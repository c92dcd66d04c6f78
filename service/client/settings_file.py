"""`frs.toml`: what a project's folder says of the server it uses. It holds no secret, only where one is.

>>> read_text('url = "http://gpu1:8000"', Path("/work/frs.toml"))["url"]
'http://gpu1:8000'
"""

import difflib
import json
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client.errors import SettingsError

NAME = "frs.toml"


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: what it means, and a check that gives what is wrong with a value, or nothing."""

    help: str
    fault: Callable[[Any], str | None]
    is_path: bool = False


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else "give a text"


def _address(value: Any) -> str | None:
    fits = isinstance(value, str) and value.startswith(("http://", "https://"))
    return None if fits else "give an address that begins with http:// or https://"


def _port(value: Any) -> str | None:
    return None if type(value) is int and 0 <= value <= 65535 else "give a number from 0 to 65535"


def _seconds(value: Any) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600
    return None if fits else "give seconds, more than 0 and at most 3600"


KEYS: Mapping[str, Key] = {
    "url": Key(help="The server", fault=_address),
    "api_key_file": Key(help="A file that holds the API key alone", fault=_text, is_path=True),
    "timeout_seconds": Key(help="How long the server may take to answer", fault=_seconds),
    "list_columns": Key(help="The columns of `frs list`, a comma between", fault=_text),
    "data_dir": Key(help="Of `frs up`: its data folder", fault=_text, is_path=True),
    "host": Key(help="Of `frs up`: the address it listens at", fault=_text),
    "port": Key(help="Of `frs up`: its port; 0 takes any free one", fault=_port),
    "devices": Key(help="Of `frs up`: the GPUs it lends, as 0,1; or none", fault=_text),
}


def find(start: Path) -> Path | None:
    """The file in `start` or the nearest folder around it, no further than the repository or home it is in.

    Raises SettingsError for one that others can write: it could send your key to a server of theirs.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / NAME
        if path.is_file():
            _check_owner(path)
            return path
        if (folder / ".git").exists() or folder == Path.home():
            return None
    return None


def read(path: Path) -> dict[str, Any]:
    """Its values, paths absolute. Raises SettingsError naming file, key and remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    return read_text(text, path)


def read_text(text: str, path: Path) -> dict[str, Any]:
    """As `read`, of text that is to stand in `path`."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    for name, value in values.items():
        fault = check_name(name).fault(value)
        if fault is not None:
            raise SettingsError(f"{path}: {name} is {value!r}: {fault}")
    return {
        name: str(path.absolute().parent / Path(value).expanduser()) if KEYS[name].is_path else value
        for name, value in values.items()
    }


def check_name(name: str) -> Key:
    """The key of that name. Raises SettingsError, with the nearest one there is."""
    if name in KEYS:
        return KEYS[name]
    if "key" in name and name != "api_key_file":
        remedy = "a key does not stand here, where it would be committed: set FRS_API_KEY or api_key_file"
    else:
        near = difflib.get_close_matches(name, KEYS, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}"
    raise SettingsError(f"{NAME} has no setting {name!r}; {remedy}")


def with_value(text: str, name: str, value: Any) -> str:
    """The text of a file with this value in place, or behind the rest; None takes it away.

    >>> with_value('# ours\\nport = 1\\n', "port", 8001)
    '# ours\\nport = 8001\\n'
    """
    line = [] if value is None else [f"{name} = {json.dumps(value, ensure_ascii=False)}"]
    lines = text.splitlines()
    for place, old in enumerate(lines):
        if old.partition("=")[0].strip() == name:
            return _joined([*lines[:place], *line, *lines[place + 1 :]])
    return _joined([*lines, *line])


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _check_owner(path: Path) -> None:
    status = path.stat()
    mine = status.st_uid in (os.getuid(), 0)
    if not mine or stat.S_IMODE(status.st_mode) & stat.S_IWOTH:
        raise SettingsError(
            f"{path} can be written by others, who could send your key elsewhere: "
            f"chown it to yourself and chmod o-w it, or remove it"
        )
