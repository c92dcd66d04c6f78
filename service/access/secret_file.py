"""Secrets in files that only their owner may read."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def read_secret(path: Path) -> str | None:
    """What the file holds; None where it is not there or empty.

    Raises PermissionError where others could read it, or another user wrote it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor) as file:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077 or status.st_uid not in (os.getuid(), 0):
            raise PermissionError(f"{path} is open to others or not yours: remove it, and a new one is made")
        return file.read().strip() or None


def write_secret(path: Path, text: str, *, replace: bool = True) -> None:
    """Write the file whole, with mode 0600. Without `replace` raises FileExistsError where one is there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", dir=path.parent)  # mkstemp gives mode 0600
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def shared_secret(path: Path) -> str:
    """The secret of that file, made by whichever process comes first."""
    found = read_secret(path)
    if found is None:
        with suppress(FileExistsError):  # of a process that was quicker: its secret is everybody's
            write_secret(path, secrets.token_urlsafe(32), replace=False)
        found = read_secret(path)
    if found is None:
        raise OSError(f"{path} is empty: remove it, and a new one is made")
    return found
