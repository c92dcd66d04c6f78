"""Who sent a request."""

from dataclasses import dataclass

from service.access.roles import Role


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The key that a request came with. `key_id` is its public id, `name` what people call it.

    `requests_per_minute` is the key's own limit; None: that of all.
    """

    key_id: str
    name: str
    role: Role
    requests_per_minute: int | None = None
