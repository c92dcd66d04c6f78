"""API keys and login tickets in the database."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from service.access.keys import PresentedKey, hash_secret, new_key
from service.access.roles import Role
from service.db.models import ApiKey, EndedSession, LoginTicket
from service.db.types import new_id
from service.db.upsert import upsert

USE_NOTED_EVERY = timedelta(minutes=1)
TICKET_LIFETIME = timedelta(minutes=10)


class LastAdminError(RuntimeError):
    """Without this key nobody could manage keys any more."""

    def __init__(self, key: ApiKey) -> None:
        super().__init__(f"{key.name} is the last key of an admin: create another one first")


def create_key(
    session: Session, *, name: str, role: Role, expires_at: datetime | None = None, **limits: int | None
) -> tuple[ApiKey, PresentedKey]:
    """The row of a new key, and the key itself, which nothing can tell again."""
    key = new_key(new_id())
    row = ApiKey(
        id=key.key_id,
        name=name,
        role=role,
        secret_sha256=hash_secret(key.secret),
        expires_at=expires_at,
        **limits,
    )
    session.add(row)
    session.flush()
    return row, key


def find_key(session: Session, key_id: str) -> ApiKey | None:
    """The key of exactly that id."""
    return session.get(ApiKey, key_id)


def is_valid(key: ApiKey, moment: datetime) -> bool:
    """Whether it is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > moment)


def list_keys(session: Session) -> Sequence[ApiKey]:
    """All keys, the newest first, revoked ones too."""
    return session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)).all()


def has_valid_key(session: Session, moment: datetime) -> bool:
    """Whether anybody could get in."""
    return any(is_valid(key, moment) for key in list_keys(session))


def revoke_key(session: Session, key: ApiKey, moment: datetime) -> None:
    """End a key, at once and for ever; of a revoked one nothing changes. Raises LastAdminError."""
    others = select(ApiKey).where(ApiKey.role == Role.ADMIN, ApiKey.id != key.id).with_for_update()
    is_admin = key.role is Role.ADMIN and is_valid(key, moment)
    if is_admin and not any(is_valid(other, moment) for other in session.scalars(others)):
        raise LastAdminError(key)
    if key.revoked_at is None:
        key.revoked_at = moment


def change_key(key: ApiKey, changes: dict[str, Any]) -> None:
    """Set name, expiry and limits as given."""
    for name, value in changes.items():
        setattr(key, name, value)


def is_use_to_note(key: ApiKey, moment: datetime) -> bool:
    """Whether the last noted use is old enough for another one to be told."""
    return key.last_used_at is None or moment - key.last_used_at >= USE_NOTED_EVERY


def note_use(session: Session, key_id: str, moment: datetime) -> None:
    """Keep when the key was used, unless another request has just done so."""
    due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= moment - USE_NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key_id, due).values(last_used_at=moment))


def create_ticket(session: Session, key_id: str, moment: datetime) -> tuple[str, datetime]:
    """A ticket that opens one browser session of the key, once, and when it ends."""
    session.execute(delete(LoginTicket).where(LoginTicket.expires_at <= moment))
    ticket, expires_at = secrets.token_urlsafe(16), moment + TICKET_LIFETIME
    session.add(LoginTicket(sha256=_hash(ticket), key_id=key_id, expires_at=expires_at))
    session.flush()
    return ticket, expires_at


def end_session(session: Session, sha256: str, moment: datetime, *, lifetime: timedelta) -> None:
    """Have a browser session hold no longer, and forget those that are too old to hold by themselves."""
    session.execute(delete(EndedSession).where(EndedSession.expires_at <= moment))
    upsert(session, EndedSession, [{"sha256": sha256, "expires_at": moment + lifetime}], key=("sha256",))


def has_ended(session: Session, sha256: str) -> bool:
    """Whether a browser session was logged out of."""
    return session.get(EndedSession, sha256) is not None


def take_ticket(session: Session, ticket: str, moment: datetime) -> ApiKey | None:
    """The key of a ticket, which is used up by this; None where it was used before, ended or is none."""
    statement = delete(LoginTicket).where(
        LoginTicket.sha256 == _hash(ticket), LoginTicket.expires_at > moment
    )
    key_id = session.scalars(statement.returning(LoginTicket.key_id)).one_or_none()
    key = None if key_id is None else session.get(ApiKey, key_id)
    return key if key is not None and is_valid(key, moment) else None


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
