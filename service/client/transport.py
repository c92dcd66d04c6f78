"""Requests and answers: retries, timeouts, and errors as exceptions."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from service.client.base import Answer, Page, bound
from service.client.errors import BUSY, ApiError, UnreachableError

if TYPE_CHECKING:
    from service.client.http import Client

RETRY_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0)
CONNECT_TIMEOUT_SECONDS = 5.0
SUBMIT_TIMEOUT_SECONDS = 600.0
"""The server reads the whole data set before it answers."""

MAX_RETRY_AFTER_SECONDS = 60.0
"""A server that asks for more patience is told of to the caller instead."""

AnswerT = TypeVar("AnswerT", bound=Answer)


class Transport:
    """The connections to one server.

    A request that may be repeated (`retry`) is: after a lost connection, and after the statuses of `BUSY`,
    waiting as `Retry-After` says. Others are sent once, for the first try may have worked.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        timeout_seconds: float = 30.0,
        retry_delays: Sequence[float] = RETRY_DELAYS_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._retry_delays = tuple(retry_delays)
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _pages(self, path: str, kind: type[AnswerT], filters: Mapping[str, str]) -> Iterator[AnswerT]:
        query = dict(filters)
        while True:
            page = self._get(path, Page[kind], query)  # type: ignore[valid-type]
            yield from page.items
            if not page.next_cursor:
                return
            query["cursor"] = page.next_cursor

    def _get(self, path: str, kind: type[AnswerT], query: Mapping[str, Any] | None = None) -> AnswerT:
        return self._read(self._send("GET", path, params=query, retry=True), kind)

    def _read(self, response: httpx.Response, kind: type[AnswerT]) -> AnswerT:
        """The answer in a response, tied to this client. Raises ApiError where it holds another thing."""
        answer = read(response, kind)
        bound(answer, cast("Client", self))
        return answer

    def _submit(self, path: str, body: Mapping[str, Any], key: str | None) -> httpx.Response:
        return self._send(
            "POST",
            path,
            content=json.dumps(body),  # NaN too, so that the server can name its field
            headers={"Content-Type": "application/json", "Idempotency-Key": key or uuid.uuid4().hex},
            timeout=SUBMIT_TIMEOUT_SECONDS,
            retry=True,
        )

    def _send(self, method: str, path: str, *, retry: bool = False, **request: Any) -> httpx.Response:
        delays = self._retry_delays if retry else ()
        for delay in (*delays, None):
            try:
                response = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                if delay is None or _took_too_long(error):
                    raise UnreachableError(self.url, error) from error
                time.sleep(delay)
                continue
            pause = None if delay is None else _pause(response, delay)
            if pause is None:
                return checked(response)
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _took_too_long(error: httpx.TransportError) -> bool:
    """Whether the server was reached: one that took too long will not be quicker the second time."""
    return isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)


def _pause(response: httpx.Response, delay: float) -> float | None:
    """Seconds before the next try; None where the answer is to be taken as it is."""
    if response.status_code not in BUSY:
        return None
    asked = _retry_after(response)
    if asked is None:
        return delay
    return max(delay, asked) if asked <= MAX_RETRY_AFTER_SECONDS else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks for, which says so in seconds or as a moment."""
    text = response.headers.get("retry-after", "")
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def segment(name: str) -> str:
    """A name as one part of a path, whatever characters it holds."""
    return quote(name, safe="") or "%20"


def checked(response: httpx.Response) -> httpx.Response:
    """The response of a success. Raises ApiError for another one."""
    if response.is_success:
        return response
    try:
        problem = response.json()
    except ValueError:
        problem = None
    raise ApiError(response.status_code, problem if isinstance(problem, dict) else _foreign(response))


def read(response: httpx.Response, kind: type[AnswerT]) -> AnswerT:
    """The answer in a response. Raises ApiError where it holds another thing."""
    try:
        return kind.model_validate_json(response.content)
    except ValidationError as error:
        raise ApiError(response.status_code, _foreign(response)) from error


def _foreign(response: httpx.Response) -> dict[str, Any]:
    detail = (
        f"{response.request.url} answered {response.status_code} with something this client cannot read: "
        "another program, or another version of the service, may listen there; check FRS_URL"
    )
    return {"title": "Not understood", "detail": detail}
