"""API keys: who may use the service, and how much of it. For admins."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from frs_core.spec.base import Name
from service.access.roles import Role
from service.api.bodies import JsonRoute
from service.api.dependencies import Reading, Writing, json_only
from service.api.key_views import KeyView, NewKeyView
from service.api.problems import ProblemError, fault, invalid
from service.api.views import Page
from service.db import api_keys, queries
from service.db.types import utc_now

router = APIRouter(prefix="/keys", route_class=JsonRoute, tags=["keys"])
Count = Annotated[int | None, Field(ge=0, le=2**31 - 1, strict=True)]
PerMinute = Annotated[int | None, Field(ge=1, le=1_000_000, strict=True)]
Bytes = Annotated[int | None, Field(ge=0, le=2**63 - 1, strict=True)]
MAX_LIFETIME = timedelta(days=36500)


class KeyLimits(BaseModel):
    """What a key may use at most; null does not limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_queued_jobs: Count = None
    max_running_gpus: Count = None
    max_stored_bytes: Bytes = None
    requests_per_minute: PerMinute = None


class NewKey(KeyLimits):
    """A key to be made; without `expires_at` it holds until it is revoked."""

    name: Name
    role: Role
    expires_at: AwareDatetime | None = None


class KeyChange(KeyLimits):
    """What may be changed of a key: what is left out stays as it is. Its role stays; make another key."""

    name: Name | None = None
    expires_at: AwareDatetime | None = None


@router.post("", status_code=201, dependencies=[Depends(json_only)])
def create_key(session: Writing, wish: NewKey, response: Response) -> NewKeyView:
    """Make a key. `key` is in this answer only: of its secret nothing is kept but a hash."""
    _check_expiry(wish.expires_at)
    row, key = api_keys.create_key(session, **dict(wish))
    response.headers["Cache-Control"] = "no-store"
    return NewKeyView.model_validate({**KeyView.of(row, utc_now()).model_dump(), "key": str(key)})


@router.get("")
def list_keys(session: Reading) -> Page[KeyView]:
    """All keys, the newest first, those that were revoked too."""
    moment = utc_now()
    return Page(items=tuple(KeyView.of(row, moment) for row in api_keys.list_keys(session)))


@router.get("/{key_id}")
def get_key(session: Reading, key_id: str) -> KeyView:
    """One key, by its public id or a unique prefix of four characters or more."""
    return KeyView.of(queries.get_key(session, key_id), utc_now())


@router.patch("/{key_id}", dependencies=[Depends(json_only)])
def change_key(session: Writing, key_id: str, change: KeyChange) -> KeyView:
    """Change name, expiry or limits; null takes an expiry or a limit away."""
    row = queries.get_key(session, key_id)
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if "name" in given and given["name"] is None:
        raise invalid(fault("name", "a key needs a name: leave it out to keep the one it has"))
    _check_expiry(given.get("expires_at"))
    api_keys.change_key(row, given)
    return KeyView.of(row, utc_now())


@router.post("/{key_id}/revoke")
def revoke_key(session: Writing, key_id: str) -> KeyView:
    """End a key, at once and for ever, with the browser sessions that it opened. 409 for the last admin's."""
    row = queries.get_key(session, key_id)
    try:
        api_keys.revoke_key(session, row, utc_now())
    except api_keys.LastAdminError as error:
        raise ProblemError(409, "last-admin", str(error)) from error
    return KeyView.of(row, utc_now())


def _check_expiry(expires_at: datetime | None) -> None:
    moment = utc_now()
    if expires_at is not None and not moment < expires_at <= moment + MAX_LIFETIME:
        raise invalid(fault("expires_at", "give a moment to come, within a hundred years", str(expires_at)))
