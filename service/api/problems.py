"""Errors as RFC 9457 problem details: what is wrong, where, and what to do next."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

MEDIA_TYPE = "application/problem+json"
MAX_VALUE_LENGTH = 200
MAX_FAULTS = 50


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
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
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
