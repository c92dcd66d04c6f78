"""Signatures as in Standard Webhooks (standardwebhooks.com), for which most languages have libraries."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable

PREFIX = "whsec_"


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """That of one secret over the id, the moment of sending and the very bytes of the body.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...           1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{b64encode(digest).decode()}"


def headers(secrets: Iterable[str], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What goes with a body: whoever knows one of the secrets can tell that we sent it, and when."""
    signatures = (signature(secret, event_id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
