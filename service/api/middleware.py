"""What happens around every request: an id and a log line, and limits on its body."""

import asyncio
import re
import time
from collections.abc import Collection
from typing import NamedTuple

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access.keys import without_secrets
from service.api import multipart, received
from service.api.problems import ProblemError, response
from service.db.types import new_id

MAX_DISCARDED_BYTES = 64 * 2**20
SLOWEST_BYTES_PER_SECOND = 1000.0
_UPLOAD = re.compile(r"^/api/v1/(jobs/[^/]+/predict|experiments/(import|[^/]+/external))$")
_DATASET_UPLOAD = re.compile("^/api/v1/datasets/upload$")
_CHECKPOINT_UPLOAD = re.compile("^/api/v1/checkpoints$")
_REQUEST_ID = re.compile(r"^[\w.-]{1,64}$", re.ASCII)
_TOO_SLOW = "the body did not arrive in time; send it again, over a better connection or in smaller parts"
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
                    path=without_secrets(scope["path"]),
                    address=scope["client"][0] if scope.get("client") else None,
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                )


def _unexpected() -> ProblemError:
    return ProblemError(500, "internal", "the server failed; its log holds the cause under this request_id")


class Allowance(NamedTuple):
    """How large the bodies of one kind may be, and the setting that says so."""

    path: re.Pattern[str]
    media_types: Collection[str]
    limit_bytes: int
    setting: str


class BodyLimit:
    """Refuses bodies over `limit_bytes` with a 413 problem; files and checkpoints have limits of their own.

    Those hold only for bodies of the types in which a route takes files: any other may be read into memory
    as a whole, by a route or for the token of a form.
    A body that comes more slowly than `SLOWEST_BYTES_PER_SECOND`, beyond `patience_seconds`, is refused with
    408: uvicorn itself would wait for ever. Starlette's own limiter answers in plain text; this one answers
    as everything else here does.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit_bytes: int,
        upload_limit_bytes: int,
        dataset_limit_bytes: int,
        checkpoint_limit_bytes: int,
        patience_seconds: float,
    ) -> None:
        self._app, self._limit_bytes, self._patience_seconds = app, limit_bytes, patience_seconds
        forms = (multipart.MEDIA_TYPE,)
        self._larger = (
            Allowance(_UPLOAD, forms, upload_limit_bytes, "FRS_MAX_UPLOAD_BYTES"),
            Allowance(_CHECKPOINT_UPLOAD, forms, checkpoint_limit_bytes, "FRS_MAX_CHECKPOINT_BYTES"),
            Allowance(_DATASET_UPLOAD, received.MEDIA_TYPES, dataset_limit_bytes, "FRS_MAX_DATASET_BYTES"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, detail = self._judged(scope)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > limit:
            await _discard(receive)
            problem = ProblemError(413, "content-too-large", detail)
            await response(Request(scope), problem, {"Connection": "close"})(scope, receive, send)
            return
        received, is_whole, started = 0, False, time.monotonic()

        async def receive_within_limit() -> Message:
            nonlocal received, is_whole
            if is_whole:
                return await receive()  # what comes now is that the client has gone, some day
            allowed = self._patience_seconds + received / SLOWEST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(_loop_time(started + allowed)):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, _TOO_SLOW, {"Connection": "close"}) from error
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, detail)
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_within_limit, send)

    def _judged(self, scope: Scope) -> tuple[int, str]:
        """How many bytes this request's body may have, and what to tell of more."""
        content_type = Headers(scope=scope).get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        limit, setting, remedy = self._limit_bytes, "FRS_MAX_REQUEST_BYTES", "send less"
        for larger in self._larger:
            if larger.path.match(scope["path"]) and media_type in larger.media_types:
                limit, setting = larger.limit_bytes, larger.setting
            elif larger.path.match(scope["path"]):
                remedy = f"send less, or a file as {' or '.join(larger.media_types)}"
        return limit, f"the body is larger than {limit} bytes; {remedy}, or raise {setting} on the server"


def _loop_time(moment: float) -> float:
    """The event loop's time at a moment of `time.monotonic`."""
    return asyncio.get_running_loop().time() + moment - time.monotonic()


async def _discard(receive: Receive) -> None:
    """Read what the client is still sending: one whose connection is cut meanwhile never sees the answer."""
    discarded = 0
    while discarded < MAX_DISCARDED_BYTES:
        message = await receive()
        discarded += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
