"""Lets a client repeat a submission without making a second one."""

from typing import Literal

from sqlalchemy.orm import Session

from frs_core.spec import canonical_hash
from service.db.metrics import upsert
from service.db.models import IdempotencyKey


class IdempotencyConflictError(ValueError):
    """A key that came before with another request."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the key {key!r} came before with another request; use a new key for a new submission"
        )
        self.key = key


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
