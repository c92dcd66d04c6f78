"""The data folder of an embedded system: where its files are, and the lock that makes it one system."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.operate.errors import OperateError
from service.operate.processes import ProcessIdentity, read_identity

SUPERVISOR = "supervisor"

MAX_SOCKET_PATH_BYTES = 100
"""sun_path holds 108 bytes with its terminator; the server adds a temporary suffix of its own."""


class SystemFolder:
    """Paths under one data folder; making the object touches nothing."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.run_dir = self.data_dir / "run"
        self.logs_dir = self.data_dir / "logs"
        self.url_file = self.run_dir / "url"
        self.lock_file = self.run_dir / "lock"
        self.key_file = self.run_dir / "admin_key"

    def create(self) -> None:
        """Makes the folders; `run` is closed to other users, since the socket in it asks no password.

        Raises OperateError where that is not allowed.
        """
        try:
            self.logs_dir.mkdir(parents=True, exist_ok=True)
            self.run_dir.mkdir(exist_ok=True)
            self.run_dir.chmod(0o700)
        except OSError as error:
            raise OperateError(
                f"{self.data_dir} cannot be the data folder ({error.strerror}): {error.filename}; "
                "name another with --data-dir or FRS_DATA_DIR"
            ) from error

    def pid_file(self, name: str) -> Path:
        """Names the process that runs a part of the system."""
        return self.run_dir / f"{name}.pid"

    def log_file(self, name: str) -> Path:
        """What a part of the system prints."""
        return self.logs_dir / f"{name}.log"

    def read_url(self) -> str | None:
        """The recorded address of the running system; None while there is none."""
        try:
            return self.url_file.read_text().strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None

    @property
    def socket_path(self) -> Path:
        """The Unix socket of the broker: in `run`, or in a short folder where that path would be too long."""
        path = self.run_dir / "redis.sock"
        return path if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES else self._short_dir / "redis.sock"

    @property
    def _short_dir(self) -> Path:
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        return Path(base) / f"frs-{os.getuid()}-{digest}"

    def create_socket_dir(self) -> Path:
        """Makes the socket's folder and gives the socket's path. Refuses a folder that others could enter."""
        folder = self.socket_path.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise OperateError(
                f"{folder} is open to other users; remove it, or set XDG_RUNTIME_DIR to a folder of your own"
            )
        return self.socket_path

    def clean(self) -> None:
        """Removes socket, pid files and address. The lock file stays: removing it would let two hold it."""
        self.socket_path.unlink(missing_ok=True)
        if self.socket_path.parent != self.run_dir and self.socket_path.parent.is_dir():
            self.socket_path.parent.rmdir()
        for path in [self.url_file, *self.run_dir.glob("*.pid")]:
            path.unlink(missing_ok=True)

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Whether this process now holds the folder; it does until the block ends or the process dies."""
        with self.lock_file.open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def find_supervisor(self) -> ProcessIdentity | None:
        """The process that looks after the running system; None while there is none."""
        identity = read_identity(self.pid_file(SUPERVISOR))
        return identity if identity is not None and identity.alive else None
