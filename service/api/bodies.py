"""Reads request bodies as JSON more strictly than Python does: no key twice, and faults in words."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

Model = TypeVar("Model", bound=BaseModel)
MAX_DEPTH = 64
_TOO_DEEP = f"the body is nested too deeply, beyond {MAX_DEPTH} levels; no specification needs that"


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


def validated(kind: type[Model], content: Any) -> Model:
    """What was read, as a model. Raises RequestValidationError, which names the fields of the body."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise of_body(error) from error


def of_body(error: ValidationError) -> RequestValidationError:
    """The same faults as FastAPI tells them of a body that it read itself."""
    return RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])


def read_json(body: bytes) -> Any:
    """The body's value. Raises BodyError."""
    try:
        value = json.loads(body, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise BodyError(f"the body is not JSON ({error.msg} at character {error.pos})") from error
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8 text (at byte {error.start}); send it as UTF-8") from error
    except RecursionError as error:
        raise BodyError(_TOO_DEEP) from error
    except ValueError as error:  # an integer too long for Python to read
        raise BodyError("the body holds a number of thousands of digits; give a smaller one") from error
    _refuse_depth(value)
    return value


def _refuse_depth(value: Any) -> None:
    """What Python can read may still be too deep for those who walk through it."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise BodyError(_TOO_DEEP)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise BodyError(f"the key {key[:100]!r} is given twice in one object; keep one of them")
        content[key] = value
    return content
