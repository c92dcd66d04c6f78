"""The family of errors of the commands that touch the machine."""

from pathlib import Path

TAIL_LINES = 15


class OperateError(Exception):
    """Something the person at the machine can mend; the message says what and how."""


class ComponentError(OperateError):
    """A part of the system ended or never became ready; the message carries the end of its log."""

    def __init__(self, name: str, what: str, log_file: Path) -> None:
        super().__init__(f"{name} {what}; the end of {log_file}:\n{tail(log_file)}")


def tail(log_file: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, indented; says so where there are none."""
    try:
        with log_file.open("rb") as stream:
            stream.seek(max(0, log_file.stat().st_size - 64 * 1024))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        text = ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (the log is empty)"
