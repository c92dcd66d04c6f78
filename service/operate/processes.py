"""Processes named so that a reused pid is never mistaken for them, read from /proc (Linux)."""

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from json import dumps, loads
from pathlib import Path

PROC = Path("/proc")
MARKER = "_FRS_SYSTEM"
"""Environment variable that every process of one system inherits: `<data folder>:<component>`.

Not one of `FRS_...`: of those a training process is stripped, and it must be found too.
"""
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """A process for all time: pid, start in clock ticks since boot, and which boot."""

    pid: int
    start_ticks: int
    boot_id: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return identify(self.pid) == self

    def send(self, signal_number: int) -> None:
        """Signals it, if it is still the same process."""
        if self.alive:
            try:
                os.kill(self.pid, signal_number)
            except ProcessLookupError:
                return  # it ended between the look and the signal


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a running process; None if there is none or only its zombie."""
    fields = _stat(pid)
    if fields is None or fields[0] in {"Z", "X"}:
        return None
    return ProcessIdentity(pid=pid, start_ticks=int(fields[19]), boot_id=_boot_id())


def own_identity() -> ProcessIdentity:
    """This process."""
    identity = identify(os.getpid())
    assert identity is not None, "a running process is in /proc"
    return identity


def write_identity(path: Path, identity: ProcessIdentity) -> None:
    """Writes a pid file."""
    path.write_text(dumps(asdict(identity)) + "\n")


def read_identity(path: Path) -> ProcessIdentity | None:
    """What a pid file names, running or not; None if there is no readable file."""
    try:
        return ProcessIdentity(**loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def descendants(pid: int) -> set[ProcessIdentity]:
    """Children, their children and so on, as of now."""
    children: dict[int, list[int]] = {}
    for other in _pids():
        fields = _stat(other)
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(other)
    found: set[ProcessIdentity] = set()
    stack = list(children.get(pid, ()))
    while stack:
        child = stack.pop()
        identity = identify(child)
        if identity is not None:
            found.add(identity)
        stack.extend(children.get(child, ()))
    return found


def marked(value: str) -> set[ProcessIdentity]:
    """Processes, other than this one, whose environment holds the marker with a value that starts so."""
    needle = f"{MARKER}={value}".encode()
    found = set()
    for pid in _pids():
        if pid == os.getpid() or not any(entry.startswith(needle) for entry in _environ(pid)):
            continue
        identity = identify(pid)
        if identity is not None:
            found.add(identity)
    return found


def wait_gone(
    processes: Iterable[ProcessIdentity], seconds: float, *, hurry: Callable[[], bool] = lambda: False
) -> set[ProcessIdentity]:
    """Waits until they ended, the time is over or `hurry` says so; gives those that still run."""
    left = {process for process in processes if process.alive}
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline and not hurry():
        time.sleep(POLL_SECONDS)
        left = {process for process in left if process.alive}
    return left


def kill(processes: Iterable[ProcessIdentity], seconds: float = 5.0) -> set[ProcessIdentity]:
    """KILL to each; gives those that even so still run."""
    targets = set(processes)
    for process in targets:
        process.send(signal.SIGKILL)
    return wait_gone(targets, seconds)


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command, which may itself hold spaces and brackets."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _environ(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []  # gone, or another user's


@cache
def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()
