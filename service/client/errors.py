"""The family of the client's errors."""

from collections.abc import Mapping, Sequence
from typing import Any


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
