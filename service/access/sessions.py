"""Browser sessions: a signed cookie that names a key, and holds only as long as the key does."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Self

from itsdangerous import BadData, URLSafeTimedSerializer

from service.db.types import is_id

MAX_AGE_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class BrowserSession:
    """Who is logged in, and the token that its pages send along with whatever changes something."""

    key_id: str
    csrf_token: str = field(repr=False)

    @classmethod
    def of(cls, key_id: str) -> Self:
        """A new session."""
        return cls(key_id=key_id, csrf_token=secrets.token_urlsafe(16))

    @property
    def sha256(self) -> str:
        """What may be kept to know it again."""
        return hashlib.sha256(self.csrf_token.encode()).hexdigest()

    def accepts(self, token: str) -> bool:
        """Whether that is this session's token."""
        return hmac.compare_digest(token.encode(), self.csrf_token.encode())


class Sessions:
    """Writes and reads cookies; all processes that share the secret read each other's."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeTimedSerializer(
            secret, salt="frs session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        # one host may have several servers, and browsers do not tell their ports apart
        self.cookie = f"frs_session_{hashlib.sha256(secret.encode()).hexdigest()[:8]}"

    def write(self, session: BrowserSession) -> str:
        """The cookie's value."""
        return str(self._serializer.dumps([session.key_id, session.csrf_token]))

    def read(self, value: str) -> BrowserSession | None:
        """The session of a cookie; None where it is too old or was not written here."""
        try:
            found = self._serializer.loads(value, max_age=MAX_AGE_SECONDS)
        except BadData:
            return None
        match found:
            case [str(key_id), str(csrf_token)] if is_id(key_id):
                return BrowserSession(key_id=key_id, csrf_token=csrf_token)
        return None
