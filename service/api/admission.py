"""Lets a request in, or not, before anything of it is read: key, role, owner, and a browser's token."""

from urllib.parse import urlsplit

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.caller import Caller
from service.access.policy import may
from service.access.redirects import login_address
from service.access.roles import Role
from service.access.scraper import scraper
from service.api.access import remember
from service.api.authentication import Identity, identify, unauthenticated
from service.api.csrf import SAFE_METHODS, with_token
from service.api.dependencies import Resources
from service.api.problems import ProblemError
from service.api.route_table import Found, RouteTable
from service.db.owners import OWNERS

NEEDS_NO_DATABASE = frozenset({"healthz", "readyz", "static"})
_NOBODY = (
    "this needs a key: send it as `Authorization: Bearer frs_...` (`frs` reads FRS_API_KEY), "
    "or log in at /login with a browser"
)


class Admission:
    """Asks `app.state.routes` what a route needs. What is no route goes on, and gets its 404 or 405."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises ProblemError (401, 403, 404, 409)."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        found = self._found(scope) if scope["type"] == "http" else None
        if found is None or found.rule is None:
            if found is not None:
                await run_in_threadpool(_check_schema, scope["app"].state.resources, found)
                remember(scope, found, None, None)
            await self._app(scope, receive, send)
            return
        identity = await run_in_threadpool(_admit, scope["app"].state.resources, Headers(scope=scope), found)
        if identity is None:
            raise _login_needed(Request(scope))
        if identity.session is not None and scope["method"] not in SAFE_METHODS:
            receive = await with_token(Request(scope, receive), identity.session)
        remember(scope, found, identity.caller, identity.session)
        await self._app(scope, receive, send)

    def _found(self, scope: Scope) -> Found | None:
        routes: RouteTable = scope["app"].state.routes
        return routes.find(scope)


def _admit(resources: Resources, headers: Headers, found: Found) -> Identity | None:
    """Who may do it; None for nobody. Raises what else keeps them from it."""
    if found.name == "get_metrics":
        monitor = scraper(headers.get("authorization", ""), resources.settings.metrics_token)
        if monitor is not None:
            return Identity(monitor, None)
    _check_schema(resources, found)
    identity = identify(resources, headers)
    if identity is not None:
        check(resources, identity.caller, found)
    return identity


def _check_schema(resources: Resources, found: Found) -> None:
    """Before any other question to the database, which may be too old to answer it."""
    if found.name not in NEEDS_NO_DATABASE:
        resources.schema.check()


def check(resources: Resources, caller: Caller, found: Found) -> None:
    """Raises ProblemError (403) for who may not, and for an id what looking it up raises."""
    rule = found.rule
    assert rule is not None
    if not caller.role.includes(rule.role):
        raise ProblemError(
            403,
            "role-needed",
            f"this needs the role {rule.role}, and the key {caller.name!r} has the role {caller.role}: "
            f"ask an admin for another key (`frs key create --role {rule.role}`)",
        )
    if not rule.own or caller.role.includes(Role.OPERATOR):
        return
    for name, value in found.params.items():
        if name in OWNERS:
            with resources.read() as session:
                owner = OWNERS[name](session, str(value))
            if not may(caller, found.name, owner):
                raise ProblemError(
                    403,
                    "not-yours",
                    f"this was submitted with another key than {caller.name!r}, and a {caller.role} changes "
                    "its own only: clone it, or ask an operator",
                )


def _login_needed(request: Request) -> ProblemError:
    """A 401 that takes a page's script to the login page, too."""
    problem = unauthenticated(_NOBODY)
    if "hx-request" in request.headers:
        current = urlsplit(request.headers.get("hx-current-url", ""))
        address = f"{current.path}?{current.query}" if current.query else current.path
        problem.headers = {**problem.headers, "HX-Redirect": login_address(address)}
    return problem
