"""Requests and answers: retries, timeouts, and errors as exceptions."""

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from service.client.answers import Answer, Page
from service.client.errors import ApiError, UnreachableError

RETRY_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0)
AnswerT = TypeVar("AnswerT", bound=Answer)


class Transport:
    """The connections to one server."""

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
            timeout=timeout_seconds,
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

    def _get(self, path: str, kind: type[AnswerT], query: Mapping[str, str] | None = None) -> AnswerT:
        return read(self._send("GET", path, params=query, retry=True), kind)

    def _send(self, method: str, path: str, *, retry: bool = False, **request: Any) -> httpx.Response:
        delays = self._retry_delays if retry else ()
        for delay in (*delays, None):
            try:
                return checked(self._http.request(method, path, **request))
            except httpx.TransportError as error:
                # a server that took too long will not be quicker the second time
                if delay is None or isinstance(error, httpx.TimeoutException):
                    raise UnreachableError(self.url, error) from error
                time.sleep(delay)
        raise AssertionError("the last try returns or raises")


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
