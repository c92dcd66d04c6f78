"""Reads what a child appends to its files, only ever whole lines, and remembers where it was."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from frs_core.events import Event, WarningEvent, event_adapter

MAX_READ_BYTES = 1 << 20
MAX_CHUNK_BYTES = 1 << 16
LAST_BYTES = 1 << 13


class EventTail:
    """The events of a growing `events.jsonl`, each once, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[Event]:
        """The events of the lines completed since the last call, of about a mebibyte at most.

        A line that is no event becomes a warning, for it must not cost the run.
        """
        size = MAX_READ_BYTES
        data = _read(self._path, self._offset, size)
        while len(data) == size and b"\n" not in data:
            size *= 2
            data = _read(self._path, self._offset, size)
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [self._parse(line) for line in whole.split(b"\n") if line.strip()]

    def _parse(self, line: bytes) -> Event:
        try:
            return event_adapter.validate_json(line)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            text = line[:200].decode(errors="replace")
            return WarningEvent(
                time=self._path.stat().st_mtime,
                code="malformed_event",
                message=f"{self._path.name} has a line that is no event ({fault['msg']}): {text}",
            )


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Consecutive output. `offset` and `size` count bytes; `text` has what of it is readable."""

    offset: int
    size: int
    text: str


class LogTail:
    """The growing output of a child, in chunks that end with a line where there is one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def peek(self, *, final: bool = False) -> Chunk | None:
        """The next chunk; None while there is no whole line. `final` gives the unfinished last line too."""
        data = _read(self._path, self._offset, MAX_CHUNK_BYTES)
        size = data.rfind(b"\n") + 1
        if size == 0 and (final or len(data) == MAX_CHUNK_BYTES):
            size = len(data)
        if size == 0:
            return None
        # PostgreSQL's text holds every character but NUL.
        text = data[:size].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        return Chunk(offset=self._offset, size=size, text=text)

    def advance(self, chunk: Chunk) -> None:
        """Take a chunk as delivered."""
        self._offset = chunk.offset + chunk.size


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a file that are not blank."""
    if not path.exists():
        return []
    data = _read(path, max(0, path.stat().st_size - LAST_BYTES), LAST_BYTES)
    lines = [line.rstrip() for line in data.decode(errors="replace").replace("\0", "").splitlines()]
    return [line for line in lines if line][-count:]


def _read(path: Path, offset: int, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError:
        return b""
