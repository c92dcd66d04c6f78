"""PostgreSQL of a soak's own, which it may kill."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg

from tests.waiting import wait_until

_ORDINARY_USERS = ("postgres", "nobody")


def free_port() -> int:
    """A port of this host that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL server in a folder, run as an ordinary user (initdb refuses root)."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder / "postgres"
        binaries = postgres_binaries()
        assert binaries is not None, "install the postgresql server package"
        self._bin = binaries
        self._user = next(name for name in _ORDINARY_USERS if _exists(name)) if os.getuid() == 0 else None
        self._durable = durable
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://frs@127.0.0.1:{self._port}/postgres"

    def create(self) -> None:
        """Make the database's files."""
        self._folder.mkdir()
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        command = [
            self._bin / "initdb",
            "--auth=trust",
            "--username=frs",
            "--no-sync",
            "-D",
            self._folder / "data",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=self._user, cwd=self._folder)

    def start(self) -> None:
        """Start and wait until it answers."""
        options = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
        }
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._folder / "data", *given],
                stdout=log, stderr=log, user=self._user, cwd=self._folder, start_new_session=True,
            )  # fmt: skip
        wait_until(self._answers)

    def stop(self) -> None:
        """Stop at once, as a crash would: it recovers when it starts again."""
        if self._process is not None:
            self._process.send_signal(3)  # QUIT: immediate shutdown
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def postgres_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`; None where they are not installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def _exists(user: str) -> bool:
    return any(line.startswith(f"{user}:") for line in Path("/etc/passwd").read_text().splitlines())
