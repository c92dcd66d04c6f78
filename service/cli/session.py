"""What every command shares: which server it speaks to, and where it prints."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console

from service.client import Client

DEFAULT_URL = "http://127.0.0.1:8000"
UNBOUNDED_COLUMNS = 200
"""Of files and pipes: nothing is cut to fit a screen."""
DEFAULT_DATA_DIR = Path("data")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The server a command speaks to, and where that address comes from."""

    url: str
    source: str

    def connect(self) -> Client:
        """A client; the key comes from FRS_API_KEY only, since other users can read a command's arguments."""
        return Client(self.url, os.environ.get("FRS_API_KEY") or None)


def open_session(url: str | None) -> Session:
    """The address given, else that which `frs up` recorded in its data folder, else the default."""
    if url:
        return Session(url=url, source="--url or FRS_URL")
    recorded = data_dir() / "run" / "url"
    if recorded.is_file():
        return Session(url=recorded.read_text().strip(), source=str(recorded))
    return Session(url=DEFAULT_URL, source="the default")


def current(context: typer.Context) -> Session:
    """The session that the root command opened."""
    session = context.find_root().obj
    assert isinstance(session, Session)
    return session


def data_dir() -> Path:
    """The data folder of the embedded system: FRS_DATA_DIR, else ./data."""
    return Path(os.environ.get("FRS_DATA_DIR") or DEFAULT_DATA_DIR)


def out() -> Console:
    """Standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error: progress and messages, so that output can be piped."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED_COLUMNS
    return console


def print_json(value: BaseModel | Mapping[str, Any] | list[Any]) -> None:
    """Writes plain, indented JSON."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))
