"""Reads request bodies as JSON more strictly than Python does: no key twice, and faults in words."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException


class BodyError(HTTPException):
    """A body that is not JSON, or not JSON that can be understood. `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, detail)


class JsonRoute(APIRoute):
    """A route whose body is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that reads strictly."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_Request(request.scope, request.receive))

        return strict


class _Request(Request):
    async def json(self) -> Any:
        return read_json(await self.body())


def read_json(body: bytes) -> Any:
    """The body's value. Raises BodyError."""
    try:
        return json.loads(body, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise BodyError(f"the body is not JSON ({error.msg} at character {error.pos})") from error
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8 text (at byte {error.start}); send it as UTF-8") from error
    except RecursionError as error:
        raise BodyError("the body is nested too deeply; no specification needs that") from error
    except ValueError as error:  # an integer too long for Python to read
        raise BodyError("the body holds a number of thousands of digits; give a smaller one") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise BodyError(f"the key {key[:100]!r} is given twice in one object; keep one of them")
        content[key] = value
    return content
