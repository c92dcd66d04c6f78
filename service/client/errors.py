"""The family of the client's errors."""

from collections.abc import Mapping, Sequence
from typing import Any

BUSY = frozenset({429, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that may answer otherwise in a moment."""


class ClientError(Exception):
    """Root of this module's errors."""


class UnreachableError(ClientError):
    """Nothing answered at the URL, after all retries."""

    def __init__(self, url: str, cause: Exception) -> None:
        super().__init__(f"cannot reach {url}: {cause or type(cause).__name__}")
        self.url = url


class ApiError(ClientError):
    """The server refused. `problem` is the RFC 9457 document it sent."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"))

    @property
    def faults(self) -> Sequence[Mapping[str, Any]]:
        """What is wrong field by field; empty where the problem names no field."""
        return tuple(self.problem.get("errors") or ())


class AmbiguousReferenceError(ClientError):
    """A name, or the beginning of an id, that several things have; `candidates` are their ids."""

    def __init__(self, reference: str, candidates: Mapping[str, str]) -> None:
        listed = "; ".join(f"{each} ({what})" for each, what in candidates.items())
        super().__init__(f"{reference} may be any of {len(candidates)}: {listed}. Give an id")
        self.candidates = tuple(candidates)


class WaitTimeoutError(ClientError):
    """What was waited for took longer than the caller would wait; it goes on."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} after {seconds:g} s; it goes on")


class SettingsError(ClientError):
    """A settings file, or a variable, that cannot be used; the message names it and what to do."""
