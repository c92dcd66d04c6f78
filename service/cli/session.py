"""What every command shares: which server it speaks to, and where it prints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import environ
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import BaseModel
from rich.console import Console

from service.cli.exit_codes import ExitCode
from service.client import Client
from service.client.settings import DEFAULT_URL, ClientSettings, read_settings

__all__ = [
    "DEFAULT_URL",
    "JsonFlag",
    "Session",
    "current",
    "err",
    "exit_unless",
    "is_live",
    "open_session",
    "out",
    "print_json",
]

UNBOUNDED_COLUMNS = 200
"""Of files and pipes: nothing is cut to fit a screen."""

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The server a command speaks to; `given_url` is what --url names."""

    given_url: str | None = None

    @cached_property
    def settings(self) -> ClientSettings:
        """Arguments, `FRS_*`, frs.toml and what `frs up` recorded; read when first asked for."""
        return read_settings(url=self.given_url)

    @property
    def url(self) -> str:
        """The server's address."""
        return self.settings.url.text

    @property
    def source(self) -> str:
        """Where that address comes from."""
        return self.settings.url.source

    @property
    def data_dir(self) -> Path:
        """The data folder of the embedded system."""
        return Path(self.settings["data_dir"].text)

    def connect(self) -> Client:
        """A client; its key is never an argument, since other users can read a command's arguments."""
        return Client(self.url, self.settings.api_key.value, timeout_seconds=self.settings.timeout_seconds)


def open_session(url: str | None) -> Session:
    """The session of a command that was given this --url, or none."""
    return Session(given_url=url)


def current(context: typer.Context) -> Session:
    """The session that the root command opened."""
    session = context.find_root().obj
    assert isinstance(session, Session)
    return session


def out() -> Console:
    """Standard output."""
    return _console(stderr=False)


def err() -> Console:
    """Standard error: progress and messages, so that output can be piped."""
    return _console(stderr=True)


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Says nothing, for nobody listens; main turns it into the exit code for that."""
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    console = _Console(stderr=stderr, highlight=False, emoji=False)
    if not console.file.isatty() and "COLUMNS" not in environ:
        console.width = UNBOUNDED_COLUMNS
    return console


def is_live(console: Console) -> bool:
    """Whether what was printed can be drawn over. Colours may be forced upon a pipe; that makes it none."""
    return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal


def print_json(value: BaseModel | Mapping[str, Any] | list[Any]) -> None:
    """Writes plain, indented JSON."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))


def exit_unless(succeeded: bool) -> None:
    """Ends the command with 1 where what it watched did not succeed."""
    if not succeeded:
        raise typer.Exit(ExitCode.FAILED)
