"""Refuses what the page of another site makes a browser send, whatever the method, and every preflight."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import ProblemError, clean
from service.api.rendering import answer
from service.api.same_origin import SAFE_METHODS, cross_site_source


class SiteGuard:
    """Refuses with 403 what comes from another origin; links to this server from elsewhere still work.

    `allowed_origins` are those of this server behind a proxy that sends another Host on. CORS is closed: no
    answer ever carries a header that would let another site read it, and no preflight is granted.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self._app, self._allowed_origins = app, frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and (problem := self._problem(scope["method"], Headers(scope=scope))):
            await answer(Request(scope), problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, method: str, headers: Headers) -> ProblemError | None:
        if method == "OPTIONS" and "access-control-request-method" in headers:
            return _refusal(headers.get("origin", "unnamed"), "CORS is closed, and nothing is granted")
        if headers.get("origin", "").lower() in self._allowed_origins:
            return None
        if method in SAFE_METHODS and headers.get("sec-fetch-mode") == "navigate":
            return None  # a link: the other site's page is left, and may not embed this one (frame-ancestors)
        source = cross_site_source(headers)
        return None if source is None else _refusal(source, "open this page itself and try there")


def _refusal(source: str, why: str) -> ProblemError:
    detail = f"the request comes from another site ({clean(source, 100)}): {why}"
    return ProblemError(403, "cross-site", detail)
