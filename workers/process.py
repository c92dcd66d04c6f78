"""The child process: how it is started, told to stop, and ended with everything it started."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import workers

CHILD_COMMAND = (sys.executable, "-P", "-m", "workers.child")
_PACKAGE_ROOT = Path(workers.__file__).parent.parent
_PRIVATE_PREFIXES = ("FRS_", "CELERY_", "AWS_", "PG", "REDIS", "AMQP", "RABBITMQ", "DATABASE", "_MP_")
_PRIVATE_PARTS = ("PASSW", "SECRET", "TOKEN", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY")
_SERVER_URL = re.compile(r"(postgres|mysql|mariadb|redis|rediss|valkey|amqp|amqps)[\w+]*://", re.ASCII)


MARKER = "_FRS_ATTEMPT"
"""Environment variable by which all processes of a run are found: its work folder."""
END_SECONDS = 10.0


class UnkillableError(Exception):
    """A process does not end though it was killed: its device cannot be given to another."""

    def __init__(self, workdir: Path, pids: Sequence[int]) -> None:
        super().__init__(f"processes {', '.join(map(str, pids))} of {workdir.name} do not end")


class Child:
    """A running child, the leader of a session of its own; `workdir` marks all that it starts."""

    def __init__(self, popen: "subprocess.Popen[bytes]", workdir: Path) -> None:
        self._popen = popen
        self._workdir = workdir
        self.pid = popen.pid
        self.started_at = process_started_at(popen.pid)

    def wait(self, seconds: float) -> bool:
        """Wait a while; gives whether the child has ended."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs or where a signal ended it."""
        code = self._popen.returncode
        return code if code is not None and code >= 0 else None

    @property
    def signal(self) -> int | None:
        """The signal that ended it, if one did."""
        code = self._popen.returncode
        return -code if code is not None and code < 0 else None

    def terminate(self) -> None:
        """Ask it to save its state and end.

        Only the leader is asked: data workers that died under it would make the saving fail.
        """
        self._popen.terminate()

    def kill(self) -> None:
        """End it and all that it started, at once, and see them gone. May be repeated.

        Raises UnkillableError where the kernel does not let go of one.
        """
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # none is left of its group
        finally:
            self._popen.wait()
        end_all(self._workdir)


def start(
    command: Sequence[str],
    workdir: Path,
    output: Path,
    environment: Mapping[str, str],
    *options: str,
    shared: Sequence[int] = (),
) -> Child:
    """Start `command WORKDIR options...` in its own session, printing to `output`.

    It shares the descriptors `shared`: the locks of its devices.
    """
    environment = {**environment, MARKER: str(workdir)}
    with output.open("ab") as stream:
        popen = subprocess.Popen(  # noqa: S603  # nosec B603  # our own command
            [*command, str(workdir), "--parent", str(os.getpid()), *options],
            cwd=workdir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tuple(shared),
        )
    return Child(popen, workdir)


def end_all(workdir: Path, seconds: float = END_SECONDS) -> None:
    """Kill every process of the run that works in a folder, and see them gone. Raises UnkillableError."""
    deadline = time.monotonic() + seconds
    while left := marked(workdir):
        if time.monotonic() > deadline:
            raise UnkillableError(workdir, left)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def marked(workdir: Path) -> list[int]:
    """The processes of the run that works in a folder, whoever their parents are by now."""
    needle = f"{MARKER}={workdir}".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if _has(entry, needle)]


def _has(entry: Path, needle: bytes) -> bool:
    if not entry.name.isdigit():
        return False
    try:
        return needle in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # gone, a zombie, or another user's


def child_environment(
    environment: Mapping[str, str], *, gpus: Sequence[str], num_threads: int, grace_seconds: float
) -> dict[str, str]:
    """The environment of a child: without addresses and credentials, with devices, threads and a deadline."""
    kept = {name: value for name, value in environment.items() if not _is_private(name, value)}
    paths = [str(_PACKAGE_ROOT), environment.get("PYTHONPATH", "")]
    return {
        "OMP_NUM_THREADS": str(num_threads),
        # How long libgomp's threads spin before they sleep. Its default made steps many times slower where
        # others use the cores too; not spinning at all made small detectors twice as slow on idle cores.
        "GOMP_SPINCOUNT": "10000",
        **kept,
        "CUDA_VISIBLE_DEVICES": ",".join(gpus),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
        # For the processes that the child itself may start; its own deadline is the supervisor's.
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(math.ceil(grace_seconds)),
    }


def process_started_at(pid: int) -> float:
    """When a process started, in seconds since the host booted; with the pid it names one process."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # proc(5): the second field, the name, may hold spaces and brackets; starttime is field 22.
    ticks = int(stat.rpartition(")")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def _is_private(name: str, value: str) -> bool:
    upper = name.upper()
    return (
        upper.startswith(_PRIVATE_PREFIXES)
        or any(part in upper for part in _PRIVATE_PARTS)
        or _SERVER_URL.match(value) is not None
    )
