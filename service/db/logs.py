"""The log of a job from its end: the last lines, those before them, and those that hold a word."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.db.models import LogChunk

MAX_LINE = 64 * 2**10
"""Characters of a line that are shown; progress bars print for ever without ending one."""
_CHUNKS = 50
MAX_SCANNED = 32 * 2**20
"""Characters that one look goes through at most; where it stopped, the next one goes on."""


@dataclass(frozen=True)
class Place:
    """Before character `place` of the chunk at byte `offset` of an attempt's log."""

    token: int
    offset: int
    place: int

    def __str__(self) -> str:
        """As it stands in addresses."""
        return f"{self.token}:{self.offset}:{self.place}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """What `str` gave. Raises ValueError."""
        found = re.fullmatch(r"(\d{1,9}):(\d{1,18}):(\d{1,9})", text, re.ASCII)
        if found is None:
            raise ValueError("give `before` of an earlier answer, or leave it out to begin at the end")
        return cls(*map(int, found.groups()))


@dataclass(frozen=True)
class Tail:
    """Lines in order, and the place before the first of them; None at the beginning of the log."""

    lines: tuple[str, ...]
    before: Place | None


def log_tail(
    session: Session, job_id: str, *, num_lines: int, before: Place | None = None, search: str = ""
) -> Tail:
    """The last lines before a place that hold `search`, in whatever case."""
    wanted = search.casefold()
    found: list[str] = []
    for line, place, scanned in _lines_backwards(session, job_id, before):
        if wanted in line.casefold():
            found.append(line)
        if len(found) == num_lines or scanned > MAX_SCANNED:
            return Tail(tuple(reversed(found)), place)
    return Tail(tuple(reversed(found)), None)


def _lines_backwards(session: Session, job_id: str, before: Place | None) -> Iterator[tuple[str, Place, int]]:
    """Each line, the place where it begins, and the characters read so far; an attempt begins a new line."""
    rest, token, scanned = "", None, 0
    last: Place | None = None
    for chunk in _chunks_backwards(session, job_id, before):
        text, scanned = chunk.text, scanned + len(chunk.text)
        if before is not None and (chunk.token, chunk.offset) == (before.token, before.offset):
            text = text[: before.place]
        if token not in (None, chunk.token) and last is not None:
            yield rest, last, scanned
            rest = ""
        if not rest and (token is None or token != chunk.token):
            text = text.removesuffix("\n")  # the end of the last line is no line of its own
        token = chunk.token
        parts = text.split("\n")
        end = len(text)
        for part in reversed(parts[1:]):
            yield (part + rest)[:MAX_LINE], Place(chunk.token, chunk.offset, end - len(part)), scanned
            rest, end = "", end - len(part) - 1
        rest, last = (parts[0] + rest)[:MAX_LINE], Place(chunk.token, chunk.offset, 0)
    if last is not None and (rest or token is not None):
        yield rest, last, scanned


def _chunks_backwards(session: Session, job_id: str, before: Place | None) -> Iterator[LogChunk]:
    """Some at a time: most looks need but the last."""
    while True:
        statement = select(LogChunk).where(LogChunk.job_id == job_id)
        if before is not None:
            is_same_log = LogChunk.token == before.token
            statement = statement.where(
                or_(
                    LogChunk.token < before.token,
                    is_same_log & (LogChunk.offset < before.offset),
                    is_same_log & (LogChunk.offset == before.offset) & (before.place > 0),
                )
            )
        newest = statement.order_by(LogChunk.token.desc(), LogChunk.offset.desc()).limit(_CHUNKS)
        chunks = session.scalars(newest).all()
        yield from chunks
        if len(chunks) < _CHUNKS:
            return
        before = Place(chunks[-1].token, chunks[-1].offset, 0)
