"""Members of a zip archive."""

import stat
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, cast

from frs_core.archives.members import ArchiveError

MAX_DIRECTORY_BYTES = 128 * 2**20
"""Of the list of its members, which is read as a whole."""
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_TAIL_BYTES = 2**16 + 200
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1


def members(path: Path) -> Generator[tuple[str, BinaryIO | None]]:
    """Every entry: its name, and its open content; None for a folder. Raises ArchiveError and BadZipFile."""
    _check_directory(path)
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            _check(entry)
            if entry.is_dir():
                yield entry.filename, None
            else:
                with archive.open(entry) as content:
                    yield entry.filename, cast("BinaryIO", content)


def _check(entry: zipfile.ZipInfo) -> None:
    name = ascii(entry.orig_filename[:200])
    if "\0" in entry.orig_filename or "\\" in entry.orig_filename:
        raise ArchiveError(f"{name} holds a null character or a backslash; give it a plain name")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveError(f"{name} is a link or a device; pack the files themselves")
    if kind and (kind == stat.S_IFDIR) != entry.is_dir():
        raise ArchiveError(f"{name} says of itself that it is a file and a folder; pack it anew")
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError(f"{name} is encrypted; pack it without a password")
    if entry.compress_type not in _COMPRESSIONS:
        raise ArchiveError(f"{name} is packed in an uncommon way; use the usual one (deflate)")


def _check_directory(path: Path) -> None:
    """Refuse a list of members that would fill the memory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise ArchiveError("the archive has no end; it was cut off, or is no zip: send it again")
    found = [int.from_bytes(tail[at + 12 : at + 16], "little")]
    at64 = tail.rfind(_END64)
    if at64 >= 0:
        found.append(int.from_bytes(tail[at64 + 40 : at64 + 48], "little"))
    sizes = [number for number in found if number != 0xFFFFFFFF]
    if max(sizes, default=size) > MAX_DIRECTORY_BYTES:
        raise ArchiveError(
            f"its list of members is larger than {MAX_DIRECTORY_BYTES} bytes; split the data set"
        )
