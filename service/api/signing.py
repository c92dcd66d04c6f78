"""Links that open one file, for a while, to whoever has them: signed, so that none can be made up."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from service.api.problems import ProblemError
from service.db.models import ApiKey
from service.db.secrets import known_secret, signing_secret

_PURPOSE = "file-links"
FileKind = Literal["artifact", "checkpoint"]


class LinkedFile(NamedTuple):
    """What a link is of: that file, while its content is this, and while the key that made it is good."""

    kind: FileKind
    id: str
    sha256: str
    key_id: str


def sign(session: Session, file: LinkedFile, *, seconds: int) -> tuple[str, datetime]:
    """The text of a link, safe in an address, and the moment until which it is good."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    text = _serializer(signing_secret(session, _PURPOSE)).dumps([*file, int(until.timestamp())])
    assert isinstance(text, str)
    return text, until


def verify(session: Session, text: str) -> LinkedFile:
    """What a link is of. Raises ProblemError: 403 for what was not made here, 410 for a link that is over."""
    secret = known_secret(session, _PURPOSE)
    if secret is None:
        raise _made_up()
    try:
        kind, file_id, sha256, key_id, until = _serializer(secret).loads(text)
    except BadSignature as error:
        raise _made_up() from error
    if datetime.now(UTC).timestamp() >= until:
        raise ProblemError(410, "link-expired", "this link is no longer good; ask for a new one")
    if key_id and not _is_good(session.get(ApiKey, key_id)):
        raise ProblemError(
            403, "bad-link", "the key that made this link is no longer good; ask for a new one"
        )
    return LinkedFile(kind, file_id, sha256, key_id)


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_PURPOSE, signer_kwargs={"digest_method": hashlib.sha256})


def _made_up() -> ProblemError:
    message = "this link was changed, or was not made by this server; ask for a new one"
    return ProblemError(403, "bad-link", message)


def _is_good(key: ApiKey | None) -> bool:
    if key is None or key.revoked_at is not None:
        return False
    return key.expires_at is None or key.expires_at > datetime.now(UTC)
