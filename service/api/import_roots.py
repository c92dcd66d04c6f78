"""Files of the server that a request names: only from below the folders that the operator allows."""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from service.artifacts.base import CHUNK_BYTES


def path_below(given: str, roots: Sequence[Path]) -> Path:
    """The file that a path means, all links followed. Raises ValueError unless it is below a root.

    Whether there is anything outside of the roots is not told.
    """
    if not roots:
        raise ValueError("no folder is open to imports by path: the operator names some in FRS_IMPORT_ROOTS")
    if not given.startswith("/") or "\0" in given:
        raise ValueError("give an absolute path")
    try:
        meant = Path(given).resolve()
        allowed = any(meant.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError):  # a circle of links, or a name too long
        allowed = False
    if not allowed:
        raise ValueError(
            f"it is not below {' or '.join(map(str, roots))}, where imports by path are allowed: "
            "move it there, or upload it"
        )
    return meant


def copy_plain(source: Path, target: Path, *, max_bytes: int) -> str:
    """Copy a plain file that `path_below` gave; gives its SHA-256.

    Raises ValueError where it is none, is too large, or is reached through a link that was set meanwhile.
    """
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or not _is_still(descriptor, source):
            raise ValueError("it is no plain file")
        return copy_limited(file, target, max_bytes=max_bytes)


def copy_limited(source: BinaryIO, target: Path, *, max_bytes: int) -> str:
    """Copy a stream; gives its SHA-256. Raises ValueError where it has more bytes."""
    digest, left = hashlib.sha256(), max_bytes
    with target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise ValueError(f"it has more than {max_bytes} bytes, as FRS_MAX_CHECKPOINT_BYTES allows")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _is_still(descriptor: int, source: Path) -> bool:
    """Whether what was opened is where it was found; a folder on the way may have become a link."""
    link = Path(f"/proc/self/fd/{descriptor}")
    return not link.is_symlink() or link.readlink() == source
