"""Finds out who sent a request: from its key, or from a browser's session. Never from its address."""

from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy.exc import OperationalError
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from service.access.caller import Caller
from service.access.keys import PresentedKey, parse_key
from service.access.sessions import BrowserSession
from service.api.dependencies import Resources
from service.api.problems import ProblemError
from service.db import api_keys
from service.db.models import ApiKey
from service.db.types import utc_now

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="frs"'}
NEW_KEY = "ask an admin for a new one (`frs key create`)"
_log = structlog.get_logger("service.api")


class Identity(NamedTuple):
    """Who calls, and the browser session it came with, if it is a browser."""

    caller: Caller
    session: BrowserSession | None


def unauthenticated(detail: str) -> ProblemError:
    """A 401."""
    return ProblemError(401, "unauthenticated", detail, headers=CHALLENGE)


def identify(resources: Resources, headers: Headers) -> Identity | None:
    """The holder of the request's key; None where it brings neither key nor session.

    Raises ProblemError (401) for a key that does not hold. A key counts before a session.
    """
    given = headers.getlist("authorization")
    if given:
        caller = verify(resources, _bearer(given))
        return Identity(caller, None)
    value = cookie_parser(headers.get("cookie", "")).get(resources.sessions.cookie)
    session = None if value is None else resources.sessions.read(value)
    if session is None:
        return None
    with resources.read() as database:
        ended = api_keys.has_ended(database, session.sha256)
        row = None if ended else api_keys.find_key(database, session.key_id)
    if row is None or not api_keys.is_valid(row, utc_now()):
        return None
    return Identity(_used(resources, row), session)


def verify(resources: Resources, key: PresentedKey | None) -> Caller:
    """The holder of a key. Raises ProblemError (401), which tells why only to who has the right secret."""
    with resources.read() as session:
        row = None if key is None else api_keys.find_key(session, key.key_id)
    if key is None or not key.matches(None if row is None else row.secret_sha256) or row is None:
        raise unauthenticated(f"this is no key of this server: see that it is whole, or {NEW_KEY}")
    moment = utc_now()
    if not api_keys.is_valid(row, moment):
        raise unauthenticated(f"the key {row.name!r} {_ended(row)}: {NEW_KEY}")
    return _used(resources, row)


def still_holds(resources: Resources, caller: Caller) -> bool:
    """Whether the caller's key has not been revoked or expired since."""
    with resources.read() as session:
        row = api_keys.find_key(session, caller.key_id)
    return row is not None and api_keys.is_valid(row, utc_now())


def _bearer(given: list[str]) -> PresentedKey | None:
    scheme, _, text = given[0].partition(" ")
    return parse_key(text.strip()) if len(given) == 1 and scheme.lower() == "bearer" else None


def _ended(row: ApiKey) -> str:
    moment: datetime | None = row.revoked_at or row.expires_at
    word = "expired" if row.revoked_at is None else "was revoked"
    return word if moment is None else f"{word} on {moment:%Y-%m-%d %H:%M} UTC"


def _used(resources: Resources, row: ApiKey) -> Caller:
    moment = utc_now()
    if api_keys.is_use_to_note(row, moment):
        try:
            with resources.write.begin() as session:
                api_keys.note_use(session, row.id, moment)
        except OperationalError as error:  # a busy database must not refuse who holds a key
            _log.warning("key.use_not_noted", key_id=row.id, error=str(error))
    return Caller(key_id=row.id, name=row.name, role=row.role, requests_per_minute=row.requests_per_minute)
