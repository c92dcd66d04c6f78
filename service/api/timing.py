"""Measures every request by its route's template, so that addresses made up by clients make no new series."""

import time

from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.telemetry.metrics import Metrics

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
NO_ROUTE = "none"
EVENT_STREAM = "text/event-stream"


class RequestTiming:
    """Counts each request with the time it took; an event stream is measured until it begins."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._templates: dict[int, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun_at, streams = 500, None, False
        started = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status, begun_at, streams
            if message["type"] == "http.response.start":
                status, begun_at = message["status"], time.perf_counter()
                media_type = Headers(raw=message.get("headers", [])).get("content-type", "")
                streams = media_type.startswith(EVENT_STREAM)
                if streams:
                    self._metrics.streams.inc()
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            ended = begun_at if streams and begun_at is not None else time.perf_counter()
            if streams:
                self._metrics.streams.dec()
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.answered(method, self._template(scope), status, ended - started)

    def _template(self, scope: Scope) -> str:
        """The path of the route that served the request, as it was declared."""
        if not self._templates:  # routes are complete once requests come
            contexts = iter_route_contexts(scope["app"].routes)
            self._templates = {id(each.original_route): str(each.path) for each in contexts}
        mounted: str = scope.get("root_path", "")  # of the folder of static files
        return self._templates.get(id(scope.get("route")), mounted or NO_ROUTE)
