"""Errors as RFC 9457 problem details: what is wrong, where, and what to do next."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from service.db.queries import AmbiguousIdError, InvalidCursorError, NotFoundError
from service.jobs.submit import IdempotencyConflictError

MEDIA_TYPE = "application/problem+json"
MAX_VALUE_LENGTH = 200
MAX_FAULTS = 50
_log = structlog.get_logger("service.api")
_REMEDIES = {
    "Extra inputs are not permitted": "unknown key; correct its spelling or remove it",
    "Field required": "required, and absent; add it",
    "JSON decode error": "the body is not JSON",
}


class FieldFault(BaseModel):
    """One thing wrong with a request: where (dotted path), what and how to mend it, and what was given."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str
    value: str | int | float | bool | None = None
    examples: tuple[str, ...] = ()


class Problem(BaseModel):
    """Body of every answer from 400 up (`application/problem+json`)."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None = None
    errors: tuple[FieldFault, ...] = ()


class ProblemError(Exception):
    """Raised by routes; rendered as a problem. `code` is stable and ends the problem's `type`."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str | None = None,
        faults: Sequence[FieldFault] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.faults = status, code, detail, tuple(faults)
        self.title = title or HTTPStatus(status).phrase


def invalid(*faults: FieldFault) -> ProblemError:
    """A 422 that names each fault's field; title and detail name the first."""
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    value = "" if first.value is None else f"; got {first.value!r}"
    return ProblemError(
        422,
        "validation",
        f"{first.field}: {first.message}{value}{more}",
        title=f"{first.field} is not valid",
        faults=faults[:MAX_FAULTS],
    )


def fault(field: str, message: str, value: object = None) -> FieldFault:
    """A fault with its value made safe to send: short, finite, valid Unicode."""
    return FieldFault(field=clean(field) or "body", message=clean(message, 1000), value=_plain(value))


def clean(text: str, limit: int = MAX_VALUE_LENGTH) -> str:
    """The text cut to `limit`, without null characters and lone surrogates."""
    short = text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
    return short.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def response(
    request: Request, problem: ProblemError, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The problem as an HTTP answer."""
    body = Problem(
        type=f"urn:frs-distill:problem:{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=clean(problem.detail, 2000),
        instance=clean(request.url.path),
        request_id=request.scope.get("request_id"),
        errors=problem.faults,
    )
    return JSONResponse(
        jsonable_encoder(body), problem.status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )


def install(app: FastAPI) -> None:
    """Render every error of this application as a problem."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(NotFoundError, _missing)
    app.add_exception_handler(AmbiguousIdError, _ambiguous)
    app.add_exception_handler(InvalidCursorError, _cursor)
    app.add_exception_handler(IdempotencyConflictError, _idempotency)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(PoolTimeoutError, _database)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return response(request, error)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    detail = error.detail
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {clean(request.url.path)}; /api/v1/openapi.json lists what there is"
    if error.status_code == 405:
        allowed = Headers(error.headers).get("allow", "another method")
        detail = f"{request.method} is not possible here; use {allowed}"
    return response(request, ProblemError(error.status_code, code, detail), error.headers)


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_from_pydantic(item) for item in error.errors()[:MAX_FAULTS]]
    problem = invalid(*faults)
    if any(item["type"] == "json_invalid" for item in error.errors()):
        problem = ProblemError(
            400, "malformed-json", problem.detail, title="The body is not JSON", faults=faults
        )
    return response(request, problem)


async def _missing(request: Request, error: Exception) -> JSONResponse:
    return response(request, ProblemError(404, "not-found", str(error)))


async def _ambiguous(request: Request, error: Exception) -> JSONResponse:
    return response(request, ProblemError(409, "ambiguous-id", str(error)))


async def _cursor(request: Request, error: Exception) -> JSONResponse:
    return response(request, invalid(fault("cursor", f"{error}; leave it out to start at the beginning")))


async def _idempotency(request: Request, error: Exception) -> JSONResponse:
    return response(request, invalid(fault("Idempotency-Key", str(error))))


async def _database(request: Request, error: Exception) -> JSONResponse:
    _log.error("database.unavailable", exc_info=error)
    detail = "the database cannot be used now; try again, and see /readyz if it lasts"
    problem = ProblemError(503, "database-unavailable", detail)
    return response(request, problem, {"Retry-After": "5"})


def _from_pydantic(item: Mapping[str, Any]) -> FieldFault:
    cause = item.get("ctx", {}).get("error")
    place = [str(part) for part in item["loc"][1:]]
    named = getattr(cause, "field", None)
    if named:
        place.append(str(named))
    message = str(item["msg"]).removeprefix("Value error, ")
    remedy = _REMEDIES.get(message, message)
    message = f"{remedy} ({cause})" if isinstance(cause, str) else remedy
    return fault(".".join(place) or str(item["loc"][0]), message, None if not place else item.get("input"))


def _plain(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list):
        return None
    return clean(_short_repr(value))


def _short_repr(value: object) -> str:
    if isinstance(value, int):
        return f"an integer of {value.bit_length()} bits"
    return repr(value)
