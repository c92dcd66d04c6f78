"""Whose an artifact store is. Only its owner removes files that no row names.

A new database, or a copy of one, knows nothing of what another one stores: it must not tidy up there.
"""

import hashlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore
from service.db.secrets import INSTALLATION, signing_secret

FOLDER = "installation"
"""Below it the store keeps a mark of each database that took it."""

_TEXT = b"The database of this installation names the files in this store.\n"


def owns(factory: sessionmaker[Session], store: ArtifactStore) -> bool:
    """Whether the store is this database's alone; one without an owner becomes its own.

    Where two take it at once, it is neither's. Raises ArtifactError or OSError while the store is away.
    """
    mark = _mark(factory)
    if not _marks(store):
        _put(store, mark)
    return set(_marks(store)) == {mark}


def take(factory: sessionmaker[Session], store: ArtifactStore) -> None:
    """Make the store this database's, whoever had it. Raises as `owns` does."""
    mark = _mark(factory)
    _put(store, mark)
    for other, uri in _marks(store).items():
        if other != mark:
            store.delete(uri)


def _mark(factory: sessionmaker[Session]) -> str:
    with factory.begin() as session:
        return signing_secret(session, INSTALLATION)[:16]


def _marks(store: ArtifactStore) -> dict[str, str]:
    """The URIs by what they mark."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # the store's clock may be ahead
    return {uri.split("/")[-2]: uri for uri in store.written_before(tomorrow, under=FOLDER)}


def _put(store: ArtifactStore, mark: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mark"
        path.write_bytes(_TEXT)
        store.put(path, f"{FOLDER}/{mark}/mark", hashlib.sha256(_TEXT).hexdigest())
