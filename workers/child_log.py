"""How a child's log lines get to the worker's own: with the ids of request, job and attempt on each.

What the child prints is for the job's page and stays as it is. Its log lines go to `log.jsonl` in its work
folder too; the supervisor reads them there and logs them again: cleaned, and in one stream with its own.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog

from service.telemetry.logs import bind_contextvars, formatter, get_contextvars
from workers.tail import LogTail

LOG_FILE = "log.jsonl"
ENVIRONMENT = "_FRS_LOG"
"""Environment variable with what a supervisor binds to the lines of its child, as JSON."""

_BOUND = ("request_id", "job_id", "attempt", "attempt_id", "worker")
_OWN = {"event", "level", "logger", "component", "timestamp", *_BOUND}
_log = structlog.get_logger("workers.child")


def bound_to_child() -> dict[str, str]:
    """The environment that hands the ids bound here to a child."""
    bound = {name: value for name, value in get_contextvars().items() if name in _BOUND}
    return {ENVIRONMENT: json.dumps(bound)}


def begin_child_log(workdir: Path, environment: Mapping[str, str] | None = None) -> None:
    """Have this process print its log lines for people, and write them as JSON for its supervisor.

    Without a supervisor, nothing is changed.
    """
    given = (os.environ if environment is None else environment).get(ENVIRONMENT)
    if given is None:
        return
    bind_contextvars(**json.loads(given))
    printed = logging.StreamHandler(sys.stdout)
    printed.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    written = logging.FileHandler(workdir / LOG_FILE, encoding="utf-8")
    written.setFormatter(formatter("child"))
    root = logging.getLogger()
    root.handlers[:] = [printed, written]
    root.setLevel(logging.WARNING)


class ChildLog:
    """Carries the log lines of a child to the worker's."""

    def __init__(self, workdir: Path) -> None:
        self._tail = LogTail(workdir / LOG_FILE)

    def forward(self, *, final: bool = False) -> None:
        """Log the lines that came since the last call."""
        while chunk := self._tail.peek(final=final):
            for line in chunk.text.splitlines():
                _forward(line)
            self._tail.advance(chunk)


def _forward(line: str) -> None:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, MutableMapping):
        said = {"event": line}
    level = logging.getLevelNamesMapping().get(str(said.get("level", "")).upper(), logging.INFO)
    fields: dict[str, Any] = {str(name): value for name, value in said.items() if name not in _OWN}
    if "timestamp" in said:
        fields["said_at"] = said["timestamp"]
    _log.log(level, str(said.get("event", "")), component="child", **fields)
