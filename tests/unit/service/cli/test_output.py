"""Colours, pipes and where the cursor may go."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from service.cli.session import is_live

Make = Callable[..., Any]
BROKEN = """
import sys
import httpx
from service.cli.main import main
from service.cli.session import Session
from service.client import Client

row = {"id": "e1234567890", "name": "n" * 90, "state": "running", "created_at": "2026-01-02T03:04:05Z",
       "num_jobs": 0, "jobs": []}
answer = lambda request: httpx.Response(200, json={"items": [row] * 20})
Session.connect = lambda self: Client("http://fake", transport=httpx.MockTransport(answer))
main()
"""


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"]])
def test_a_reader_that_went_away_is_code_141_and_no_words(tmp_path: Path, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", BROKEN, *arguments],
        stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, check=False,
    )  # fmt: skip
    os.close(writing)
    assert ended.stderr == b""
    assert ended.returncode == 141


@pytest.fixture
def coloured(run: Make, server: Any, make_experiment: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Whether `frs list` colours the states with these variables and options."""
    server.answers["GET /experiments"] = {"items": [make_experiment("failed")]}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def ask(*options: str, **variables: str) -> bool:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return "\x1b[1;31m" in run(*options, "list").out

    return ask


def test_a_pipe_gets_no_colours_unless_forced(coloured: Make) -> None:
    assert not coloured()
    assert coloured(FORCE_COLOR="1")


def test_no_color_goes_before_forced_colours(coloured: Make) -> None:
    assert not coloured(FORCE_COLOR="1", NO_COLOR="1")


def test_the_option_does_as_the_variable(coloured: Make) -> None:
    assert not coloured("--no-color", FORCE_COLOR="1")
    os.environ.pop("NO_COLOR")


def test_forced_colours_make_no_terminal_of_a_pipe() -> None:
    assert not is_live(Console(file=io.StringIO(), force_terminal=True))
