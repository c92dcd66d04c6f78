"""The whole system in a folder: servers, API, keeper and workers, restarted when they die."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from service.artifacts import ArtifactStore, open_store
from service.db.engine import upgrade
from service.settings import Settings
from tests.chaos.servers import Postgres, free_port
from tests.fixtures.brokers import RedisProcess
from tests.fixtures.server import admit_tester
from tests.waiting import wait_until
from workers.process import MARKER

ROOT = Path(__file__).parent.parent.parent
LEASE_SECONDS = 4.0
DISK_MIB = 512
"""The workers' disk, where the system lets us mount one: small enough to be filled."""


@dataclass
class Part:
    """A process of the system that is started again when it has died."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def keep_up(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.start()

    def send(self, number: signal.Signals, *, group: bool = False) -> bool:
        """Signal the process, or all of its group; gives whether it was there."""
        if self.process is None or self.process.poll() is not None:
            return False
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)
        return True


class Broker(Protocol):
    """A broker of the system's own, as `tests/fixtures` has them."""

    url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def drop_messages(self) -> bool: ...
    def stall(self, seconds: float) -> None: ...


class System:
    """`broker` is a Redis, unless given; `folder` is empty before and holds everything after."""

    def __init__(
        self,
        folder: Path,
        *,
        num_workers: int,
        pace_seconds: float,
        num_steps: int,
        broker: Broker | None = None,
    ) -> None:
        self.folder = folder
        self.postgres, self.broker = Postgres(folder), broker or _redis(folder)
        self.artifacts = folder / "artifacts"
        self.disk = folder / "disk"
        self.disk_is_small = False
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._pace = {"MINIATURE_PACE": str(pace_seconds), "MINIATURE_STEPS": str(num_steps)}
        self.api = self._part("api", ["-m", "service.api"])
        self.keeper = self._part("keeper", ["-m", "service.jobs.keeper"])
        script = str(ROOT / "tests" / "miniature" / "worker.py")
        self.workers = [self._part(f"worker{number}", [script]) for number in range(num_workers)]
        self.parts = [self.api, self.keeper, *self.workers]

    @property
    def settings(self) -> Settings:
        return Settings(**self._settings("api"))

    @property
    def store(self) -> ArtifactStore:
        return open_store(self.artifacts.as_uri())

    def start(self) -> None:
        self.artifacts.mkdir()
        self.disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.disk)]
        self.disk_is_small = subprocess.run(mount, check=False, capture_output=True).returncode == 0
        self.postgres.create()
        self.postgres.start()
        self.broker.start()
        upgrade(self.postgres.url)
        admit_tester(self.postgres.url)
        for part in self.parts:
            part.start()

    def keep_up(self) -> None:
        """Start again what has died."""
        for part in self.parts:
            part.keep_up()

    def stop(self) -> None:
        """TERM to all, and see that they go by themselves; then the servers."""
        for part in reversed(self.parts):
            part.send(signal.SIGCONT, group=True)
            part.send(signal.SIGTERM)
        for part in self.parts:
            if part.process is not None:
                part.process.wait(60)

    def kill(self) -> None:
        """Whatever is left."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for part in self.parts:
            if part.process is not None:
                part.process.wait()
        self.broker.stop()
        self.postgres.stop()
        if self.disk_is_small:
            subprocess.run(["umount", "--lazy", str(self.disk)], check=True)

    def processes(self) -> list[int]:
        """All processes of API, keeper and workers, and their runs."""
        needles = (f"FRS_CHAOS={self.folder}".encode(), f"{MARKER}={self.folder}".encode())
        return [pid for pid in _pids() if any(entry.startswith(needles) for entry in _environ(pid))]

    def children(self) -> list[int]:
        """The processes of runs."""
        needle = f"{MARKER}={self.folder}".encode()
        return [pid for pid in _pids() if any(entry.startswith(needle) for entry in _environ(pid))]

    def supervisors(self) -> list[int]:
        """The pool processes of the workers."""
        mains = {part.process.pid for part in self.workers if part.process is not None}
        return [pid for pid in self.processes() if _parent(pid) in mains and pid not in self.children()]

    def _settings(self, name: str) -> dict[str, object]:
        return {
            "data_dir": (self.disk if name.startswith("worker") else self.folder) / name,
            "database_url": self.postgres.url,
            "broker_url": self.broker.url,
            "artifacts_url": self.artifacts.as_uri(),
            "port": self.port,
            "lease_seconds": LEASE_SECONDS,
            "heartbeat_seconds": 0.5,
            "poll_seconds": 1.0,
            "grace_seconds": 5.0,
            "retry_backoff_seconds": 0.2,
            "max_attempts": 20,
            "stall_limit_seconds": 20.0,
        }

    def _part(self, name: str, arguments: list[str]) -> Part:
        settings = {f"FRS_{key.upper()}": str(value) for key, value in self._settings(name).items()}
        environment = {**os.environ, **settings, **self._pace, "PYTHONPATH": str(ROOT)}
        environment |= {"FRS_CHAOS": str(self.folder), "OMP_NUM_THREADS": "1"}
        return Part(name, [sys.executable, *arguments], environment, self.folder / f"{name}.log")


def _redis(folder: Path) -> Broker:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program is not None, "install redis-server"
    return RedisProcess(program, folder)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ProcessLookupError):
        return None


def wait_gone(system: System, seconds: float = 15.0) -> None:
    """Wait until no process of the system is left. Fails with what the last ones are."""
    try:
        wait_until(lambda: not system.processes(), seconds=seconds)
    except AssertionError:
        raise AssertionError(f"left: {[_told(pid) for pid in system.processes()]}") from None


def _told(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        stack = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return f"{pid}, gone by now"
    told = [
        line for line in status if line.startswith(("State", "PPid", "SigQ", "ShdPnd", "SigBlk", "SigCgt"))
    ]
    return f"{pid}: {command} {told} in {stack}"
