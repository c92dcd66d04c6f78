"""API keys: `frs_<public id>_<secret>`. The secret is shown once; what is kept of it is its SHA-256."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from service.db.types import ID_ALPHABET, ID_LENGTH

SECRET_BYTES = 16
"""128 bits: nothing is gained by a slow hash over a secret that nobody can guess."""
_FORM = re.compile(rf"frs_([{ID_ALPHABET}]{{{ID_LENGTH}}})_([A-Za-z0-9_-]{{22}})", re.ASCII)
_SECRETS = re.compile(r"(^/login/|frs_).+", re.DOTALL)
_NOBODYS = hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class PresentedKey:
    """A key as somebody gave it. Its secret is not printed with it."""

    key_id: str
    secret: str = field(repr=False)

    def matches(self, secret_sha256: str | None) -> bool:
        """Whether this is the key of which that was kept; takes as long where nothing was (None)."""
        equal = hmac.compare_digest(hash_secret(self.secret), secret_sha256 or _NOBODYS)
        return equal and secret_sha256 is not None

    def __str__(self) -> str:
        """The key as it is given to its holder."""
        return f"frs_{self.key_id}_{self.secret}"


def new_key(key_id: str) -> PresentedKey:
    """A key of that public id with a new secret."""
    return PresentedKey(key_id=key_id, secret=secrets.token_urlsafe(SECRET_BYTES))


def parse_key(text: str) -> PresentedKey | None:
    """The parts of a key; None for text that is none.

    >>> parse_key("frs_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAA").key_id
    '0123456789abcdef'
    >>> parse_key("frs_0123456789abcdef_short") is None
    True
    """
    found = _FORM.fullmatch(text)
    return None if found is None else PresentedKey(key_id=found[1], secret=found[2])


def without_secrets(path: str) -> str:
    """A request's path as a log may hold it: without a ticket, and without a key that somebody put there.

    >>> without_secrets("/login/abc"), without_secrets("/jobs/frs_0123456789abcdef_AAAA")
    ('/login/…', '/jobs/frs_…')
    """
    return _SECRETS.sub(r"\1…", path)


def hash_secret(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
