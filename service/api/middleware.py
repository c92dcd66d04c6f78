"""What happens around every request: an id and a log line, a limit on bodies, headers for browsers."""

import re
import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import ProblemError, response
from service.db.types import new_id

BROWSER_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_DISCARDED_BYTES = 64 * 2**20
_UPLOAD = re.compile(r"^/api/v1/(jobs/[^/]+/predict|experiments/import)$")
_REQUEST_ID = re.compile(r"^[\w.-]{1,64}$", re.ASCII)
_log = structlog.get_logger("service.api")


class RequestLog:
    """Gives each request an id (`X-Request-ID`, the client's own if it is a plain word) and one log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else new_id()
        scope["request_id"] = request_id
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                _log.error("request.failed", exc_info=error)
                if status:
                    raise
                await response(Request(scope), _unexpected())(scope, receive, send_with_id)
            finally:
                _log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                )


def _unexpected() -> ProblemError:
    return ProblemError(500, "internal", "the server failed; its log holds the cause under this request_id")


class BodyLimit:
    """Refuses bodies over `limit_bytes`, or `upload_limit_bytes` for pictures, with a 413 problem.

    Starlette's own limiter answers in plain text; this one answers as everything else here does.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, upload_limit_bytes: int) -> None:
        self._app, self._limit_bytes, self._upload_limit_bytes = app, limit_bytes, upload_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, setting = self._limit_bytes, "FRS_MAX_REQUEST_BYTES"
        if _UPLOAD.match(scope["path"]):
            limit, setting = self._upload_limit_bytes, "FRS_MAX_UPLOAD_BYTES"
        detail = f"the body is larger than {limit} bytes; send less, or raise {setting} on the server"
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > limit:
            await _discard(receive)
            problem = ProblemError(413, "content-too-large", detail)
            await response(Request(scope), problem, {"Connection": "close"})(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, receive_within_limit, send)


async def _discard(receive: Receive) -> None:
    """Read what the client is still sending: one whose connection is cut meanwhile never sees the answer."""
    discarded = 0
    while discarded < MAX_DISCARDED_BYTES:
        message = await receive()
        discarded += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


class SecurityHeaders:
    """Tells browsers to run and show only what this server itself serves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in BROWSER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
