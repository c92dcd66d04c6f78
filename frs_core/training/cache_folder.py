"""The folder in which teachers' signals are kept: a subfolder a teacher, a file an image and signal.

Runs on one host share it. A file is written under another name and renamed, so that it is whole or absent,
and starts with the SHA-256 of the rest, so that one that a crash has spoilt is not read.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

_LOCK_SUFFIX = ".lock"
_DIGEST_BYTES = 32


class Shelf:
    """One teacher's subfolder, in use until `close`; `room_bytes` may be added to what it holds."""

    def __init__(self, path: Path, lock: int, room_bytes: int) -> None:
        self.path = path
        self._lock = lock
        self._room_bytes = room_bytes

    def close(self) -> None:
        """Leave it to be removed when others need its room. May be repeated."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def read(self, name: str) -> tuple[Tensor, ...] | None:
        """The levels kept under a name; None where there are none, or the file is not as it was written."""
        try:
            content = (self.path / name).read_bytes()
        except OSError:
            return None
        payload = memoryview(content)[_DIGEST_BYTES:]
        if hashlib.sha256(payload).digest() != content[:_DIGEST_BYTES]:
            return None
        try:
            levels = load(bytes(payload))
        except SafetensorError:
            return None
        return tuple(levels[str(index)] for index in range(len(levels)))

    def write(self, name: str, levels: Sequence[Tensor]) -> None:
        """Keep levels under a name, in place of what was there. Raises OSError, also beyond the bound."""
        payload = save({str(index): level for index, level in enumerate(levels)})
        if len(payload) > self._room_bytes:
            raise OSError(errno.ENOSPC, "the cache is full; raise teacher.cache.max_gib")
        self._room_bytes -= len(payload)
        self.path.mkdir(exist_ok=True)
        temporary = self.path / f".{name}.{os.getpid()}"
        try:
            with temporary.open("wb") as file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
            temporary.replace(self.path / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def take_shelf(root: Path, key: str, *, needed_bytes: int, max_bytes: int) -> Shelf:
    """The subfolder of a teacher that may come to hold `needed_bytes`, where all hold `max_bytes` at most.

    Removes those that were used longest ago, as far as nobody uses them. Raises OSError where the folder
    cannot be used.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / key
    with _exclusive(root / _LOCK_SUFFIX):
        lock = _open(_lock_of(path))
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(needed_bytes).encode(), 0)  # which also makes its time that of its last use
            others = _make_room(root, path, max_bytes - needed_bytes)
            return Shelf(path, lock, max_bytes - others - _held(path))
        except OSError:
            os.close(lock)
            raise


def _make_room(root: Path, ours: Path, room_bytes: int) -> int:
    """Remove what was used longest ago until the others fill `room_bytes` at most; what they then fill."""
    sizes = {path: _size(path) for path in _by_last_use(root) if path != ours}
    for path in list(sizes):
        if sum(sizes.values()) <= room_bytes:
            break
        with _unused(path) as unused:
            if unused:
                shutil.rmtree(path, ignore_errors=True)
                _lock_of(path).unlink(missing_ok=True)
                del sizes[path]
    return sum(sizes.values())


def _by_last_use(root: Path) -> list[Path]:
    locks = [path for path in root.glob(f"*{_LOCK_SUFFIX}") if path.name != _LOCK_SUFFIX]
    return [path.with_suffix("") for path in sorted(locks, key=lambda path: path.stat().st_mtime_ns)]


def _size(path: Path) -> int:
    """What a subfolder holds, or while it is in use what it may come to hold."""
    with _unused(path) as unused:
        return _held(path) if unused else max(_held(path), int(_lock_of(path).read_text() or 0))


def _held(path: Path) -> int:
    if not path.is_dir():
        return 0
    with os.scandir(path) as entries:
        return sum(entry.stat().st_size for entry in entries)


@contextmanager
def _unused(path: Path) -> Iterator[bool]:
    """Whether nobody uses a subfolder; while inside nobody begins to."""
    descriptor = _open(_lock_of(path))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + _LOCK_SUFFIX)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
