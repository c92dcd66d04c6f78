"""Keys: what the server says of one, and the client's verbs for them and for who it is itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from service.client.base import Answer, Page
from service.client.transport import Transport, read, segment

_KEYS = "/api/v1/keys"


class Key(Answer):
    """An API key without its secret; a limit that is None does not limit."""

    id: str
    name: str
    role: str
    state: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    max_queued_jobs: int | None = None
    max_running_gpus: int | None = None
    max_stored_bytes: int | None = None
    requests_per_minute: int | None = None


class NewKey(Key):
    """A key that was just made, with the text that is told only now."""

    key: str = Field(repr=False)


class Ticket(Answer):
    """A path on the server that logs a browser in once."""

    path: str
    expires_at: datetime


class KeyVerbs(Transport):
    """Makes, lists, changes and revokes keys, which takes an admin's; and tells whose this client's is."""

    def me(self) -> Key:
        """The key that this client sends."""
        return self._get("/api/v1/me", Key)

    def login_link(self) -> tuple[str, datetime]:
        """An address that logs a browser in with this client's key, once, and when it ends."""
        ticket = read(self._send("POST", "/api/v1/tickets"), Ticket)
        return f"{self.url}{ticket.path}", ticket.expires_at

    def list_keys(self) -> Sequence[Key]:
        """All keys, the newest first."""
        return self._get(_KEYS, Page[Key]).items

    def create_key(
        self, name: str, role: str, *, expires_at: datetime | None = None, **limits: int | None
    ) -> NewKey:
        """A new key. `key` of the answer is told this once."""
        moment = None if expires_at is None else expires_at.isoformat()
        body = {"name": name, "role": role, "expires_at": moment, **limits}
        return read(self._send("POST", _KEYS, json=body), NewKey)

    def change_key(self, key_id: str, changes: dict[str, Any]) -> Key:
        """Sets a key's name, expiry or limits; None takes an expiry or a limit away."""
        return read(self._send("PATCH", f"{_KEYS}/{segment(key_id)}", json=changes), Key)

    def revoke_key(self, key_id: str) -> Key:
        """Ends a key, at once and for ever."""
        return read(self._send("POST", f"{_KEYS}/{segment(key_id)}/revoke"), Key)
