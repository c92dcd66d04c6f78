"""Stored files, written to disk as the server recorded them."""

import hashlib
import os
import tempfile
from pathlib import Path

import httpx

from service.client.errors import ClientError


class DamagedFileError(ClientError):
    """What arrived is not what the server recorded."""

    def __init__(self, path: Path, sha256: str, recorded: str) -> None:
        super().__init__(
            f"{path.name} arrived with the SHA-256 {sha256}, and {recorded} is recorded: "
            "try again; if it stays so, the server's store is damaged"
        )


def save(response: httpx.Response, path: Path, sha256: str) -> None:
    """Stream an answer to `path`: whole and with this hash, or not at all.

    Raises DamagedFileError and OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        digest = hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            for chunk in response.iter_bytes():
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise DamagedFileError(path, digest.hexdigest(), sha256)
        partial.chmod(0o644)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
