"""Who sent this request."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection
from starlette.types import Scope

from service.access.caller import Caller
from service.access.sessions import BrowserSession
from service.api.problems import ProblemError
from service.api.route_table import Found

_CALLER, _SESSION, _ADMITTED = "frs.caller", "frs.session", "frs.admitted"


def remember(scope: Scope, found: Found, caller: Caller | None, session: BrowserSession | None) -> None:
    """Note for what follows which route was judged, and who was found to ask."""
    scope[_ADMITTED], scope[_CALLER], scope[_SESSION] = found, caller, session


def caller_of(scope: Scope) -> Caller | None:
    """Whose key the request came with; None on public routes and on paths where nothing is."""
    return scope.get(_CALLER)


def session_of(scope: Scope) -> BrowserSession | None:
    """The browser session that the request came with; None where it brought a key itself."""
    return scope.get(_SESSION)


def address_of(request: HTTPConnection) -> str:
    """Where the request came from; behind a trusted proxy, what the proxy says."""
    return request.client.host if request.client else "unknown"


async def confirm(request: Request) -> None:
    """A dependency of every route: it is served only if it is the one that was judged."""
    found: Found | None = request.scope.get(_ADMITTED)
    route, params = request.scope.get("route"), request.path_params
    if found is None or found.name != getattr(route, "name", None) or found.params != params:
        raise ProblemError(403, "not-admitted", "nobody has judged who may do this: it is refused")


def _caller(request: Request) -> Caller:
    found = caller_of(request.scope)
    assert found is not None, "a public route asks who calls"
    return found


CallerDep = Annotated[Caller, Depends(_caller)]
