"""Unpacks an archive into a new folder, which appears only when all of it is there."""

import gzip
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from frs_core.archives import tarred, zipped
from frs_core.archives.members import ArchiveError, Budget, Limits, Names, only_folder, safe_path
from frs_core.datasets.images import ImageUnreadableError, size_of
from frs_core.datasets.yolo import SUFFIXES

UNFINISHED_PREFIX = ".unpacking-"
_CHUNK_BYTES = 2**20
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)


def unpack(archive: Path, folder: Path, limits: Limits) -> int:
    """Unpack a zip, tar or tar.gz into `folder`, which must not be there yet; gives the bytes that it holds.

    A single folder that everything is in is left out. Raises ArchiveError for what is refused, and OSError;
    either way nothing is left. Files come out without their owners, modes and times.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED_PREFIX, dir=folder.parent))
    try:
        budget = Budget(limits, archive.stat().st_size)
        try:
            paths = _write(archive, unfinished, limits, budget)
        except _BROKEN as error:
            raise ArchiveError(f"the archive is broken ({error}); pack it anew") from error
        except RuntimeError as error:
            raise ArchiveError(f"the archive cannot be read: {error}") from error
        if not paths:
            raise ArchiveError("the archive holds no file; pack the data set's folder")
        top = only_folder(paths)
        whole = unfinished / top if top else unfinished
        whole.chmod(0o755)
        whole.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return budget.spent


def _write(archive: Path, folder: Path, limits: Limits, budget: Budget) -> list[PurePosixPath]:
    names = Names(limits)
    paths: list[PurePosixPath] = []
    with closing(_members(archive, limits)) as members:
        for name, content in members:
            names.count()
            if content is None and name.rstrip("/") == ".":
                continue  # the folder itself, as `tar -C FOLDER .` names it
            path = safe_path(name)
            if path is None or content is None:
                continue
            names.add(path)
            destination = folder / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            _copy(content, destination, budget)
            _check_pixels(destination, path, limits)
            paths.append(path)
    return paths


def _members(archive: Path, limits: Limits) -> Generator[tuple[str, BinaryIO | None]]:
    """By what the file is, whatever it is called."""
    with archive.open("rb") as file:
        head = file.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if head.startswith(_ZIP_MAGICS):
        return zipped.members(archive)
    if head.startswith(tarred.GZIP_MAGIC) or head[_TAR_MAGIC_AT:] == _TAR_MAGIC:
        return tarred.members(archive, Budget(limits, archive.stat().st_size))
    raise ArchiveError("it is neither a zip nor a tar, plain or with gzip; pack the data set as one of them")


def _copy(content: BinaryIO, destination: Path, budget: Budget) -> None:
    with destination.open("xb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            budget.spend(len(chunk))
            file.write(chunk)


def _check_pixels(file: Path, path: PurePosixPath, limits: Limits) -> None:
    """A picture of more pixels than any data set has would fill the memory of who looks at it.

    One that is no picture is a fault of the data, which is found when they are checked.
    """
    if path.suffix.lower() not in SUFFIXES:
        return
    try:
        with file.open("rb") as content:
            width, height = size_of(content)
    except ImageUnreadableError as error:
        if "exceeds limit" in str(error):  # Pillow's own bound, above ours
            raise ArchiveError(f"{str(path)!r} is refused: {error}") from error
        return
    if width * height > limits.max_pixels:
        raise ArchiveError(
            f"{str(path)!r} has {width}x{height} pixels; {limits.max_pixels} at most: make it smaller"
        )
