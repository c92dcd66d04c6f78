"""Answers only to names that are this server's: a name of another site's that was bound to it is refused.

A page of evil.example may have its name point to 127.0.0.1 once it is loaded (DNS rebinding); the browser
then takes this server for that site's own and lets the page read every answer. The Host header still says
evil.example.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import ProblemError, clean
from service.api.rendering import answer


class HostGuard:
    """Refuses with 421 what is addressed to a host outside `allowed_hosts`. The port does not matter."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app, self._allowed_hosts = app, frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            given = Headers(scope=scope).getlist("host")
            if len(given) != 1 or host_of(given[0]) not in self._allowed_hosts:
                await answer(Request(scope), _refusal(given))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def host_of(address: str) -> str:
    """The host in `HOST` or `HOST:PORT`, in lower case, without a final dot; IPv6 in its brackets.

    >>> host_of("FRS.example.:8000"), host_of("[::1]:8000"), host_of("127.0.0.1")
    ('frs.example', '[::1]', '127.0.0.1')
    """
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isdecimal() or not port) or host.endswith(":"):
        host = address
    return host.lower().removesuffix(".")


def _refusal(given: list[str]) -> ProblemError:
    name = clean(host_of(given[0]), 100) if given else "nothing"
    detail = (
        f"the request is addressed to {name!r}, which is no name of this server: use its own address, or "
        "have its operator add the name to FRS_ALLOWED_HOSTS"
    )
    return ProblemError(421, "misdirected", detail)
