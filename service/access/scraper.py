"""The one caller without a key of its own: a monitoring system that reads `/metrics`."""

import secrets

from service.access.caller import Caller
from service.access.roles import Role


def scraper(authorization: str, token: str) -> Caller | None:
    """Who sends `Authorization: Bearer <token>`, as a viewer; None for all others, and without a token.

    To be asked for the route `get_metrics` alone.

    >>> scraper("Bearer s3cret", "s3cret").role
    <Role.VIEWER: 'viewer'>
    >>> scraper("Bearer ", "") is None
    True
    """
    scheme, _, given = authorization.partition(" ")
    matches = secrets.compare_digest(given.strip().encode(), token.encode())
    if not token or scheme.lower() != "bearer" or not matches:
        return None
    return Caller(key_id="", name="metrics", role=Role.VIEWER)
