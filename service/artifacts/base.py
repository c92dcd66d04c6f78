"""What every artifact store promises, and the parts they share."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

import structlog

CHUNK_BYTES = 1 << 20
MAX_KEY_LENGTH = 512
UNFINISHED_PREFIX = ".incoming-"
_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
KNOWN_SUFFIXES = frozenset({*_PICTURES, ".json", ".npz", ".onnx", ".pt", ".pth", ".safetensors"})
_log = structlog.get_logger(__name__)
_SEGMENT = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]*")


class ArtifactError(Exception):
    """Root of what stores raise."""


class ArtifactMissingError(ArtifactError, LookupError):
    """Nothing is stored there."""


class HashMismatchError(ArtifactError, ValueError):
    """The bytes are not the ones that were announced."""


class InvalidKeyError(ArtifactError, ValueError):
    """A key that could leave the store, or that not every store can hold."""


class ArtifactStore(Protocol):
    """Keeps files under keys as `object_key` makes them; a stored file is whole or absent."""

    def put(self, path: Path, key: str, sha256: str) -> str:
        """Store a file and return its URI. A file of the same key is replaced.

        What arrived is hashed as well as what was sent. Raises HashMismatchError, storing nothing, when the
        file's SHA-256 (hex) is another; InvalidKeyError.
        """

    def fetch(self, uri: str, destination: Path, sha256: str) -> None:
        """Copy a stored file to `destination`, which appears only when its SHA-256 is the expected one.

        Raises HashMismatchError, ArtifactMissingError.
        """

    def open(self, uri: str) -> BinaryIO:
        """Read a stored file from its beginning, or from where one seeks. Raises ArtifactMissingError."""

    def size(self, uri: str) -> int:
        """Size in bytes. Raises ArtifactMissingError."""

    def delete(self, uri: str) -> None:
        """Forget a stored file; one that is absent already is no error."""

    def signed_url(self, uri: str, *, seconds: int, filename: str) -> str | None:
        """An address that whoever has it can fetch the file at for so long; None where there is none.

        The file does not have to be there.
        """

    def written_before(self, moment: datetime, *, under: str) -> Iterator[str]:
        """The URIs of the files below the key `under` that were last put before then, in any order."""

    def discard_unfinished(self, moment: datetime, *, under: str) -> int:
        """Remove what puts below `under` that were cut short before then have left; gives how many."""


def remove_unnamed(store: ArtifactStore, uris: Iterable[str]) -> None:
    """Delete each. What the store does not delete now is logged, and the keeper removes it in time."""
    for uri in uris:
        try:
            store.delete(uri)
        except (ArtifactError, OSError) as error:
            _log.warning("file.orphaned", uri=uri, error=str(error))


def object_key(job_id: str, token: int, sha256: str, name: str = "") -> str:
    """Where a job's file is kept: under ids and its content's hash, never under a name that somebody chose.

    Of the name only the ending is taken, and only one by which this program knows what a file is.

    >>> object_key("abcdefghijkl", 2, "0" * 64, "../../etc/weights.pth")[:23]
    'jobs/abcdefghijkl/2/000'
    """
    suffix = PurePosixPath(name).suffix.lower()
    return f"jobs/{job_id}/{token}/{sha256}{suffix if suffix in KNOWN_SUFFIXES else ''}"


def checked_key(key: str) -> str:
    """The key itself, if it is made of plain segments joined by slashes.

    >>> checked_key("jobs/8f2c/weights_12.safetensors")
    'jobs/8f2c/weights_12.safetensors'
    """
    if len(key) > MAX_KEY_LENGTH or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise InvalidKeyError(
            f"the key is {key[:80]!r}: give segments of letters, digits and . _ = + -, none starting "
            f"with a dot, joined by single slashes; {MAX_KEY_LENGTH} characters at most"
        )
    return key


def write_verified(source: BinaryIO, destination: Path, sha256: str) -> None:
    """Copy a stream to a file that appears, synced, only when its SHA-256 is the expected one."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED_PREFIX, dir=destination.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            found = _copy(source, file)
            os.fchmod(file.fileno(), 0o644)  # mkstemp's 0600 would hide it from a server of another user
            os.fsync(file.fileno())
        if found != sha256:
            raise HashMismatchError(f"{destination.name}: SHA-256 is {found}, expected {sha256}")
        temporary.replace(destination)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(destination.parent)


def _copy(source: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
    target.flush()
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
