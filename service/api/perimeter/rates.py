"""So many requests a minute: by key, by address where no key came with them, fewer where one was refused."""

from ipaddress import IPv6Address, ip_address

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import address_of, caller_of
from service.api.perimeter.counting import WINDOW_SECONDS, Count, Counter
from service.api.problems import ProblemError
from service.api.rendering import answer

FREE = ("/healthz", "/metrics", "/static/")
"""What is asked for by machines that watch, and what a page brings along, counts for nobody."""
READINESS = "/readyz"
"""Costs more, and everybody may ask: it is free for who watches from the same machine."""


class RateLimit:
    """Answers 429 beyond the limit of the caller's key, which may be the key's own.

    It must run inside what finds out who the caller is. Every counted answer says in `RateLimit` and
    `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) how many requests may follow.
    """

    def __init__(self, app: ASGIApp, counter: Counter, requests_per_minute: int) -> None:
        self._app, self._counter, self._limit = app, counter, requests_per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or _is_free(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        kind, count = await self._count(request)
        if not count.allowed:
            detail = (
                f"more than {count.limit} requests in a minute by this {kind}: try again in "
                f"{count.reset_seconds} s, and ask less often; event streams tell what changes"
            )
            problem = ProblemError(429, "too-many-requests", detail)
            await answer(request, problem, _headers(kind, count))(scope, receive, send)
            return

        async def send_with_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _headers(kind, count).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_count)

    async def _count(self, request: Request) -> tuple[str, Count]:
        caller = caller_of(request.scope)
        if caller is None or not caller.key_id:
            return "address", await self._counter.hit("address", address_of(request), self._limit)
        limit = caller.requests_per_minute or self._limit
        return "key", await self._counter.hit("key", caller.key_id, limit)


class FailedLogins:
    """Answers 429 to an address that was refused (401) too often, without looking at its next key."""

    def __init__(self, app: ASGIApp, counter: Counter, failures_per_minute: int) -> None:
        self._app, self._counter, self._limit = app, counter, failures_per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith((*FREE, READINESS)) or not _claims(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        count = await self._counter.look("refused", address_of(request), self._limit)
        if not count.allowed:
            detail = (
                f"more than {self._limit} keys from this address were refused in a minute: try again in "
                f"{count.reset_seconds} s, with a key that is valid"
            )
            problem = ProblemError(429, "too-many-failures", detail)
            await answer(request, problem, _headers("refused", count))(scope, receive, send)
            return

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                await self._counter.hit("refused", address_of(request), self._limit)
            await send(message)

        await self._app(scope, receive, send_and_count)


def _is_free(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(FREE) or (path == READINESS and _is_loopback(address_of(Request(scope))))


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:  # a socket's file, or a name
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _claims(scope: Scope) -> bool:
    """Whether it tries a key or a session: who comes with nothing is guessing nothing."""
    names = {name for name, _ in scope["headers"]}
    return scope["method"] == "POST" or bool(names & {b"authorization", b"cookie", b"x-api-key"})


def _headers(kind: str, count: Count) -> dict[str, str]:
    headers = {
        "RateLimit-Policy": f'"{kind}";q={count.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"{kind}";r={count.remaining};t={count.reset_seconds}',
    }
    return headers if count.allowed else {**headers, "Retry-After": str(count.reset_seconds)}
