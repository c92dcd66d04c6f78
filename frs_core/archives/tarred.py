"""Members of a tar archive, plain or with gzip."""

import gzip
import io
import tarfile
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, cast

from frs_core.archives.members import ArchiveError, Budget

MAX_HEADER_BYTES = 4 * 2**20
"""No single header is longer; tarfile reads each as a whole."""
GZIP_MAGIC = b"\x1f\x8b"


class _Bounded(io.RawIOBase):
    """Reads a stream within a budget, and never much at once. Skipping is reading too: bombs count."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        self._source, self._budget = source, budget

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and offset > self._source.tell():
            self._budget.check(offset)
        return self._source.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise ArchiveError("it has a header of millions of bytes; pack it anew with an ordinary program")
        content = self._source.read(size)
        self._budget.check(self._source.tell())
        return content


def members(path: Path, budget: Budget) -> Generator[tuple[str, BinaryIO | None]]:
    """Every entry: its name, and its open content; None for a folder. Raises ArchiveError and TarError."""
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        source = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_gzip else raw
        with tarfile.open(fileobj=_Bounded(source, budget), mode="r:") as archive:
            while (entry := archive.next()) is not None:
                _check(entry)
                if entry.isdir():
                    yield entry.name, None
                else:
                    content = archive.extractfile(entry)
                    assert content is not None
                    with content:
                        yield entry.name, cast("BinaryIO", content)


def _check(entry: tarfile.TarInfo) -> None:
    name = ascii(entry.name[:200])
    if not (entry.isreg() or entry.isdir()) or entry.issparse():
        raise ArchiveError(f"{name} is a link, a device or a sparse file; pack the files themselves")
