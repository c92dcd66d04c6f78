"""The one place where errors become answers: each is rendered as a problem."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from service.api.bodies import BodyError
from service.api.problems import MAX_FAULTS, FieldFault, ProblemError, clean, fault, invalid, response
from service.artifacts import ArtifactError
from service.db.control import ControlError
from service.db.datasets import ArchivedDatasetError, DatasetInUseError, DatasetReferenceError
from service.db.outside import LabelTakenError, NoRowError, RowRunningError
from service.db.queries import AmbiguousIdError, InvalidCursorError, NotFoundError
from service.db.quotas import QuotaError
from service.jobs.submit import IdempotencyConflictError

MISSING = "required, and absent; add it"
_REMEDIES = {
    "Extra inputs are not permitted": "unknown key; correct its spelling or remove it",
    "Field required": MISSING,
}
_log = structlog.get_logger("service.api")


ShowProblem = Callable[[Request, ProblemError], Response]


def install(app: FastAPI, show: ShowProblem) -> None:
    """Render every error of this application as a problem: by `show` where a person asked for a page."""
    app.state.show_problem = show
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(BodyError, _body)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(NotFoundError, _missing)
    app.add_exception_handler(NoRowError, _missing)
    app.add_exception_handler(ControlError, _refused)
    app.add_exception_handler(RowRunningError, _refused)
    app.add_exception_handler(DatasetInUseError, _refused)
    app.add_exception_handler(ArchivedDatasetError, _refused)
    app.add_exception_handler(DatasetReferenceError, _dataset)
    app.add_exception_handler(LabelTakenError, _taken)
    app.add_exception_handler(AmbiguousIdError, _ambiguous)
    app.add_exception_handler(QuotaError, _quota)
    app.add_exception_handler(InvalidCursorError, _cursor)
    app.add_exception_handler(IdempotencyConflictError, _idempotency)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(PoolTimeoutError, _database)
    app.add_exception_handler(ArtifactError, _store)


def answer(request: Request, problem: ProblemError, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a page where a person asked for one, else as a problem document."""
    is_page = not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")
    if is_page:
        shown: Response = request.app.state.show_problem(request, problem)
        shown.headers.update(headers or {})
        return shown
    return response(request, problem, headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return answer(request, error, error.headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    detail = error.detail
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {clean(request.url.path)}; /api/v1/openapi.json lists what there is"
    if error.status_code == 405:
        allowed = Headers(error.headers).get("allow", "another method")
        detail = f"{request.method} is not possible here; use {allowed}"
    return answer(request, ProblemError(error.status_code, code, detail), error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [from_pydantic(item) for item in error.errors()[:MAX_FAULTS]]
    return answer(request, invalid(*faults))


async def _body(request: Request, error: Exception) -> Response:
    assert isinstance(error, BodyError)
    title = "The body cannot be read"
    problem = ProblemError(
        400, "malformed-json", error.detail, title=title, faults=[fault("body", error.detail)]
    )
    return answer(request, problem)


async def _missing(request: Request, error: Exception) -> Response:
    return answer(request, ProblemError(404, "not-found", str(error)))


async def _refused(request: Request, error: Exception) -> Response:
    return answer(request, ProblemError(409, "not-possible", str(error)))


async def _taken(request: Request, error: Exception) -> Response:
    return answer(request, invalid(fault("label", str(error))))


async def _dataset(request: Request, error: Exception) -> Response:
    return answer(request, invalid(fault("dataset.registered", str(error))))


async def _ambiguous(request: Request, error: Exception) -> Response:
    return answer(request, ProblemError(409, "ambiguous-id", str(error)))


async def _quota(request: Request, error: Exception) -> Response:
    assert isinstance(error, QuotaError)
    told = f"limit {error.may}, used {error.used}, asked {error.asked}"
    return answer(
        request, ProblemError(403, "quota", str(error), faults=[fault(error.limit, told, error.may)])
    )


async def _cursor(request: Request, error: Exception) -> Response:
    return answer(request, invalid(fault("cursor", f"{error}; leave it out to start at the beginning")))


async def _idempotency(request: Request, error: Exception) -> Response:
    return answer(request, invalid(fault("Idempotency-Key", str(error))))


async def _database(request: Request, error: Exception) -> Response:
    _log.error("database.unavailable", exc_info=error)
    detail = "the database cannot be used now; try again, and see /readyz if it lasts"
    problem = ProblemError(503, "database-unavailable", detail)
    return answer(request, problem, {"Retry-After": "5"})


async def _store(request: Request, error: Exception) -> Response:
    _log.error("store.unavailable", exc_info=error)
    detail = "the artifact store cannot be used now; try again, and see /readyz if it lasts"
    problem = ProblemError(503, "store-unavailable", detail)
    return answer(request, problem, {"Retry-After": "5"})


def from_pydantic(item: Mapping[str, Any]) -> FieldFault:
    """The fault that pydantic found in a part of a request, which its location begins with."""
    cause = item.get("ctx", {}).get("error")
    place = [str(part) for part in item["loc"][1:]]
    named = getattr(cause, "field", None)
    if named:
        place.append(str(named))
    message = str(item["msg"]).removeprefix("Value error, ")
    remedy = _REMEDIES.get(message, message)
    message = f"{remedy} ({cause})" if isinstance(cause, str) else remedy
    return fault(".".join(place) or str(item["loc"][0]), message, None if not place else item.get("input"))
