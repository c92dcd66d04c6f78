"""Which refusals each operation may answer with, as the OpenAPI document names them.

Those of the ring around the routes are everywhere the same, and others follow from what an operation takes.
What is left a route declares itself: `responses=also(409)`.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from service.api.problems import MEDIA_TYPE, Problem

_WORDS: Mapping[int, str] = {
    400: "The body cannot be read",
    401: "No key, or one that does not hold: see WWW-Authenticate",
    403: "Not with this key's role or quota, not another key's thing, or not from another site's page",
    404: "There is no such thing",
    408: "The body did not arrive in time",
    409: "Not as things are now, or the beginning of an id is that of several",
    410: "It was there, and is gone",
    413: "The body is too large",
    414: "The address is too long",
    415: "The body has another form than this reads",
    416: "The file has no such range",
    421: "The Host is no name of this server",
    422: "A part of the request is not valid: `errors` names each",
    429: "Too many requests: see Retry-After",
    431: "The headers are too large or too many",
    500: "The server failed: the log has the cause, under this request_id",
    503: "The server, its database or its store cannot be used now: see /readyz",
}
_EVERYWHERE = (403, 414, 421, 429, 431, 500, 503)
_OF_A_BODY = (400, 408, 413, 415, 422)
_SHORTENED = frozenset({"experiment_id", "job_id", "worker_id", "key_id"})
"""Ids of which the beginning is enough, so that it may be that of several."""


def also(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers to declare at a route, besides those that any route of its kind has."""
    return {status: _answer(status) for status in statuses}


def describe(document: dict[str, Any]) -> None:
    """Name the refusals of each operation, all in the one form that they have."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}), Problem=problem)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for item in document["paths"].values():
        for operation in item.values():
            answers = operation["responses"]
            answers |= {str(status): _answer(status) for status in set(_follows(operation))}
            operation["responses"] = dict(sorted(answers.items()))


def _follows(operation: Mapping[str, Any]) -> Iterator[int]:
    parameters = operation.get("parameters", ())
    yield from _EVERYWHERE
    if operation.get("security") != []:
        yield 401
    if parameters:
        yield 422
    if "requestBody" in operation:
        yield from _OF_A_BODY
    named = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    if named:
        yield 404
    if named & _SHORTENED:
        yield 409


def _answer(status: int) -> dict[str, Any]:
    words = _WORDS.get(status, HTTPStatus(status).phrase)
    return {
        "description": words,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
