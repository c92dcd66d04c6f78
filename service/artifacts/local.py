"""`file:///folder`: a folder of this machine, or one that every machine mounts."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from service.artifacts.base import (
    UNFINISHED_PREFIX,
    ArtifactError,
    ArtifactMissingError,
    checked_key,
    write_verified,
)

SCHEMES = ("file",)


class Store:
    """Files under `root`. URIs are `file:` and the key, so that the folder can be moved or restored."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: Path, key: str, sha256: str) -> str:
        """See ArtifactStore."""
        destination = self.root / checked_key(key)
        with path.open("rb") as source:
            write_verified(source, destination, sha256)
        return f"file:{key}"

    def fetch(self, uri: str, destination: Path, sha256: str) -> None:
        """See ArtifactStore."""
        with self.open(uri) as source:
            write_verified(source, destination, sha256)

    def open(self, uri: str) -> BinaryIO:
        """See ArtifactStore."""
        return self._existing(uri).open("rb")

    def size(self, uri: str) -> int:
        """See ArtifactStore."""
        return self._existing(uri).stat().st_size

    def delete(self, uri: str) -> None:
        """See ArtifactStore."""
        self._path(uri).unlink(missing_ok=True)

    def signed_url(self, uri: str, *, seconds: int, filename: str) -> None:
        """See ArtifactStore. A folder has no addresses."""

    def written_before(self, moment: datetime, *, under: str) -> Iterator[str]:
        """See ArtifactStore."""
        for path in self._old(moment, under):
            if not path.name.startswith("."):
                yield f"file:{path.relative_to(self.root).as_posix()}"

    def discard_unfinished(self, moment: datetime, *, under: str) -> int:
        """See ArtifactStore."""
        pieces = [path for path in self._old(moment, under) if path.name.startswith(UNFINISHED_PREFIX)]
        for path in pieces:
            path.unlink(missing_ok=True)
        return len(pieces)

    def _old(self, moment: datetime, under: str) -> Iterator[Path]:
        for folder, _, names in os.walk(self.root / checked_key(under)):
            for path in (Path(folder, name) for name in names):
                try:
                    modified = path.stat().st_mtime
                except FileNotFoundError:
                    continue  # deleted meanwhile
                if modified < moment.timestamp():
                    yield path

    def _existing(self, uri: str) -> Path:
        path = self._path(uri)
        if not path.is_file():
            raise ArtifactMissingError(f"{uri} is not in the store {self.root}")
        return path

    def _path(self, uri: str) -> Path:
        scheme, _, key = uri.partition(":")
        if scheme not in SCHEMES:
            raise ArtifactError(f"{uri} does not belong to the store {self.root}")
        return self.root / checked_key(key)


def open_url(url: str) -> Store:
    """The store of a `file:///folder` address. Raises ArtifactError for a relative or remote one."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/") or parts.path == "/":
        raise ArtifactError(f"artifacts_url is {url}: give file:///absolute/folder")
    return Store(Path(unquote(parts.path)))
