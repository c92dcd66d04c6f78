"""Secrets that all servers of one database share, made when one of them first needs them."""

import secrets

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.db.models import SigningSecret
from service.db.types import utc_now
from service.db.upsert import upsert

SECRET_BYTES = 32
INSTALLATION = "installation"
"""The purpose of what tells this database from every other one, its own copies too."""


def signing_secret(session: Session, purpose: str) -> str:
    """The secret for a purpose, in hex; the same for whoever asks first and later."""
    known = known_secret(session, purpose)
    if known is None:
        row = {"purpose": purpose, "secret": secrets.token_hex(SECRET_BYTES), "created_at": utc_now()}
        upsert(session, SigningSecret, [row], key=("purpose",))
        known = session.get_one(SigningSecret, purpose).secret
    return known


def forget_installation(session: Session) -> None:
    """Be another one from now on, as a copy must."""
    session.execute(delete(SigningSecret).where(SigningSecret.purpose == INSTALLATION))


def known_secret(session: Session, purpose: str) -> str | None:
    """The secret, where somebody has asked for it before: without it nothing was signed."""
    row = session.get(SigningSecret, purpose)
    return None if row is None else row.secret
