"""An artifact store whose failures are counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from prometheus_client import Counter

from service.artifacts import ArtifactError, ArtifactMissingError, ArtifactStore


class WatchedStore:
    """The store, with each use of it that failed counted by `operation`.

    That a file is absent is an answer, no failure. What a disk refuses is an ArtifactError here, too.
    """

    def __init__(self, store: ArtifactStore, errors: Counter) -> None:
        self._store, self._errors = store, errors

    def put(self, path: Path, key: str, sha256: str) -> str:
        """See ArtifactStore."""
        with self._counted("put"):
            return self._store.put(path, key, sha256)

    def fetch(self, uri: str, destination: Path, sha256: str) -> None:
        """See ArtifactStore."""
        with self._counted("fetch"):
            self._store.fetch(uri, destination, sha256)

    def open(self, uri: str) -> BinaryIO:
        """See ArtifactStore."""
        with self._counted("open"):
            return self._store.open(uri)

    def size(self, uri: str) -> int:
        """See ArtifactStore."""
        with self._counted("size"):
            return self._store.size(uri)

    def delete(self, uri: str) -> None:
        """See ArtifactStore."""
        with self._counted("delete"):
            self._store.delete(uri)

    def written_before(self, moment: datetime, *, under: str) -> Iterator[str]:
        """See ArtifactStore."""
        with self._counted("list"):
            yield from self._store.written_before(moment, under=under)

    def discard_unfinished(self, moment: datetime, *, under: str) -> int:
        """See ArtifactStore."""
        with self._counted("list"):
            return self._store.discard_unfinished(moment, under=under)

    def __getattr__(self, name: str) -> Any:
        """What a kind of store offers beyond ArtifactStore."""
        return getattr(self._store, name)

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        try:
            yield
        except ArtifactMissingError:
            raise
        except ArtifactError:
            self._errors.labels(operation=operation).inc()
            raise
        except OSError as error:
            self._errors.labels(operation=operation).inc()
            raise ArtifactError(str(error)) from error
