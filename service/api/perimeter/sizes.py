"""Limits on what comes before the body: address and headers. `service.api.middleware` has those of bodies."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import ProblemError
from service.api.rendering import answer

MAX_URL_BYTES = 8192
MAX_HEADERS = 100
MAX_HEADERS_BYTES = 32_768
"""uvicorn's own limit is a little higher, and its answer no problem document."""


class HeadLimit:
    """Refuses long addresses with 414, and many or long headers with 431."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and (problem := _problem(scope)):
            # its path is what is too long: the problem does not repeat it
            await answer(Request({**scope, "path": "/"}), problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _problem(scope: Scope) -> ProblemError | None:
    if len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MAX_URL_BYTES:
        detail = f"the address has more than {MAX_URL_BYTES} bytes; shorten it"
        return ProblemError(414, "uri-too-long", detail)
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum(len(name) + len(text) for name, text in headers) > MAX_HEADERS_BYTES:
        detail = f"more than {MAX_HEADERS} headers, or {MAX_HEADERS_BYTES} bytes of them; send fewer"
        return ProblemError(431, "headers-too-large", detail)
    return None
