"""Stored files, written to disk as the server recorded them."""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx

from service.client.errors import ClientError

if TYPE_CHECKING:
    from hashlib import _Hash

CHUNK_BYTES = 2**20
Fetch = Callable[[Mapping[str, str]], AbstractContextManager[httpx.Response]]
"""Asks for the file with these headers; raises ApiError for a refusal."""


class DamagedFileError(ClientError):
    """What arrived is not what the server recorded."""

    def __init__(self, path: Path, sha256: str, recorded: str) -> None:
        super().__init__(
            f"{path.name} arrived with the SHA-256 {sha256}, and {recorded} is recorded: "
            "try again; if it stays so, the server's store is damaged"
        )


def save(fetch: Fetch, path: Path, sha256: str) -> None:
    """Fetch a file to `path`: whole and with this hash, or not at all.

    What had arrived before a connection was lost lies beside it, hidden, and a later call goes on from there
    where the server can. A file that is there already, and is the one, is not fetched.
    Raises DamagedFileError, OSError, and what `fetch` raises.
    """
    if path.is_file() and _digest_of(path) == sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{sha256[:12]}.partial")
    found = _fetch(fetch, partial, sha256)
    if found != sha256:
        partial.unlink(missing_ok=True)
        raise DamagedFileError(path, found, sha256)
    partial.chmod(0o644)
    partial.replace(path)


def _fetch(fetch: Fetch, partial: Path, sha256: str) -> str:
    """Completes the partial file; gives the hash of what it then holds."""
    # nobody's link is followed: the name can be foretold
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        digest = hashlib.sha256()
        there = _read_into(digest, file)
        if there and digest.hexdigest() == sha256:
            return sha256
        with fetch({"Range": f"bytes={there}-", "If-Range": f'"{sha256}"'} if there else {}) as response:
            if there and not _goes_on(response, there):
                file.seek(0)
                file.truncate()
                digest = hashlib.sha256()
            for chunk in response.iter_bytes():
                digest.update(chunk)
                file.write(chunk)
    return digest.hexdigest()


def _goes_on(response: httpx.Response, there: int) -> bool:
    starts = response.headers.get("content-range", "").startswith(f"bytes {there}-")
    return response.status_code == httpx.codes.PARTIAL_CONTENT and starts


def _read_into(digest: "_Hash", file: IO[bytes]) -> int:
    """How many bytes there are."""
    total = 0
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        total += len(chunk)
    return total


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
