"""Where a host keeps the data sets that were sent as archives: one folder each, unpacked at first use."""

import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from frs_core.archives.members import ArchiveError, Limits
from frs_core.archives.unpack import UNFINISHED_PREFIX, unpack

RECEIVED_PREFIX = ".frs-upload-"
"""Of files into which archives are received, beside the folders."""
UNFINISHED_SECONDS = 24 * 3600.0
"""What was not touched for so long is nobody's work any more."""


def kept(folder: Path, fetch: Callable[[Path], None], limits: Limits) -> Path:
    """The folder itself, filled where it is not there yet from the archive that `fetch` writes to a path.

    Several processes may do so at once: the first that is done names the folder. Raises ArchiveError.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED_PREFIX, dir=folder.parent) as place:
        archive = Path(place) / "archive"
        fetch(archive)
        try:
            unpack(archive, folder, limits)
        except ArchiveError:
            raise
        except OSError:
            if not folder.is_dir():  # another process was first
                raise
    return folder


def discard(folder: Path) -> None:
    """Remove one, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def discard_unknown(root: Path, known: Callable[[Collection[str]], Collection[str]]) -> list[str]:
    """Remove the folders whose ids `known` does not give back; returns those ids."""
    names = (
        {path.name for path in root.iterdir() if not path.name.startswith(".")} if root.is_dir() else set()
    )
    unknown = sorted(names - set(known(names))) if names else []
    for name in unknown:
        discard(root / name)
    return unknown


def discard_unfinished(root: Path, *, older_than_seconds: float = UNFINISHED_SECONDS) -> list[str]:
    """Remove what processes that were killed left: archives half received or unpacked. Returns the names."""
    before, removed = time.time() - older_than_seconds, []
    for path in root.iterdir() if root.is_dir() else ():
        if path.name.startswith((RECEIVED_PREFIX, UNFINISHED_PREFIX)) and _is_older(path, before):
            _remove(path)
            removed.append(path.name)
    return sorted(removed)


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.lstat().st_mtime < moment
    except FileNotFoundError:
        return False  # its process was done just now


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        discard(path)
    else:
        path.unlink(missing_ok=True)
