"""What an archive may hold: names that stay inside a folder on every system, and no more than the limits."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_DEPTH = 255, 1024, 30
MAX_RATIO = 100
"""Annotations in text become a tenth; what becomes less than a hundredth is a bomb."""
RATIO_FROM_BYTES = 10 * 2**20
"""Below that a bomb does no harm, and a small file may well be repetitive."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_LITTER = {"__MACOSX", ".DS_Store", "Thumbs.db"}
"""What systems add on their own; left out."""


class ArchiveError(ValueError):
    """An archive that is refused. The message says what is wrong with it and what to do."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may come out of an archive. Pixels are those of one image."""

    max_bytes: int
    max_entries: int = 1_000_000
    max_pixels: int = 80_000_000


def safe_path(name: str) -> PurePosixPath | None:
    """The place of a file in the folder; None for what systems add on their own. Raises ArchiveError.

    >>> safe_path("./cells/a.jpg")
    PurePosixPath('cells/a.jpg')
    >>> safe_path("../a.jpg")
    Traceback (most recent call last):
    frs_core.archives.members.ArchiveError: '../a.jpg' leads out of the archive's folder; pack it without `..`
    """
    shown = ascii(name[:200])
    if "\\" in name or PureWindowsPath(name).drive or ":" in name:
        raise ArchiveError(
            f"{shown} holds a backslash, a colon or a drive; name files with / between folders"
        )
    if any(unicodedata.category(character) in _UNSEEN for character in name):
        raise ArchiveError(f"{shown} holds characters that are not seen; give it a plain name")
    if name.startswith("/"):
        raise ArchiveError(f"{shown} is an absolute path; pack it relative to the data set's folder")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ArchiveError(f"{shown} leads out of the archive's folder; pack it without `..`")
    if _LITTER & set(parts):
        return None
    for part in parts:
        _check_part(part, shown)
    if not parts or len(parts) > MAX_DEPTH or len(name.encode()) > MAX_PATH_BYTES:
        raise ArchiveError(f"{shown} is empty, too long or too deep; at most {MAX_DEPTH} folders")
    return PurePosixPath(*parts)


def _check_part(part: str, shown: str) -> None:
    plain = unicodedata.normalize("NFKC", part)
    if set(plain) & set("/\\:") or plain.strip(". ") == "":
        raise ArchiveError(f"{shown} holds characters that look like others (/ or .); give it a plain name")
    if part != part.strip() or plain.endswith(".") or len(part.encode()) > MAX_NAME_BYTES:
        raise ArchiveError(f"{shown} has a part that ends in a dot or a space, or is too long; rename it")
    if _DEVICES.fullmatch(part):
        raise ArchiveError(f"{shown} is the name of a device on some systems; rename it")


class Names:
    """The files of one archive, each once, also where upper and lower case are one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._num_entries = 0

    def count(self) -> None:
        """One more entry of any kind. Raises ArchiveError."""
        self._num_entries += 1
        if self._num_entries > self._limits.max_entries:
            raise ArchiveError(f"it has more than {self._limits.max_entries} entries; split the data set")

    def add(self, path: PurePosixPath) -> None:
        """One more file. Raises ArchiveError where one of that name came before."""
        key = _key(path)
        folders = {_key(parent) for parent in path.parents if parent.parts}
        if key in self._files or key in self._folders or folders & self._files:
            raise ArchiveError(f"{str(path)!r} is there twice, or as a file and a folder; pack each once")
        self._files.add(key)
        self._folders |= folders


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFKC", str(path)).casefold()


class Budget:
    """Counts what comes out. Raises ArchiveError where it is more than is allowed, or than can be honest."""

    def __init__(self, limits: Limits, archive_bytes: int) -> None:
        self._max_bytes, self._archive_bytes = limits.max_bytes, archive_bytes
        self.spent = 0

    def spend(self, num_bytes: int) -> None:
        """Take account of so many bytes more."""
        self.spent += num_bytes
        self.check(self.spent)

    def check(self, num_bytes: int) -> None:
        """Refuse so many bytes in all."""
        if num_bytes > self._max_bytes:
            raise ArchiveError(
                f"it holds more than {self._max_bytes} bytes; send less, or raise FRS_MAX_DATASET_BYTES"
            )
        if num_bytes > max(RATIO_FROM_BYTES, MAX_RATIO * self._archive_bytes):
            raise ArchiveError(
                f"what is in it is more than {MAX_RATIO} times its own size; it is refused as a bomb"
            )


def only_folder(paths: Iterable[PurePosixPath]) -> str | None:
    """The one folder that all files are in, if there is one."""
    tops = {path.parts[0] if len(path.parts) > 1 else "" for path in paths}
    return next(iter(tops)) if len(tops) == 1 and "" not in tops else None
