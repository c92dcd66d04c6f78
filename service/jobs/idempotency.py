"""Lets a client repeat a submission without making a second one."""

import hashlib
from typing import Literal

from sqlalchemy.orm import Session

from frs_core.spec import canonical_hash
from service.db.models import IdempotencyKey
from service.db.upsert import upsert


class IdempotencyConflictError(ValueError):
    """A key that came before with another request."""

    def __init__(self, key: str) -> None:
        super().__init__("this key came before with another request; use a new key for a new submission")
        self.key = key


def scoped(key: str, owner_key_id: str) -> str:
    """The key as that owner's, unlike the same words of any other.

    >>> scoped("again", "ada") == scoped("again", "bob")
    False
    """
    return hashlib.sha256(f"{owner_key_id}\n{key}".encode()).hexdigest()


def claim_key(
    session: Session,
    idempotency: tuple[str, str],
    kind: Literal["experiment", "job", "extension"],
    resource_id: str,
) -> str:
    """The id of what the (key, body hash) made the first time: `resource_id` itself, if that is now.

    Of two transactions with one key the second waits here for the first to end, and then finds its id.
    Raises IdempotencyConflictError where the key came before with another body or for another kind of thing.
    """
    key, body_hash = idempotency
    request_hash = canonical_hash({"kind": kind, "body": body_hash})
    row = {"key": key, "request_hash": request_hash, "resource_id": resource_id}
    upsert(session, IdempotencyKey, [row], key=("key",))
    kept = session.get_one(IdempotencyKey, key, populate_existing=True)
    if kept.request_hash != request_hash:
        raise IdempotencyConflictError(key)
    return kept.resource_id
