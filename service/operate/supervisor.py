"""Starts the parts of an embedded system in order, restarts what crashes, and stops all in reverse order."""

import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from service.operate import child
from service.operate.components import Component
from service.operate.errors import ComponentError
from service.operate.folder import SystemFolder

WATCH_SECONDS = 0.2
FIRST_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0
MAX_RESTARTS = 5
STABLE_SECONDS = 300.0
"""A component that ran this long has its earlier crashes forgotten."""


@dataclass
class _Watched:
    component: Component
    process: "subprocess.Popen[bytes]"
    started: float
    crashes: int = 0
    restart_at: float | None = field(default=None)


class Supervisor:
    """Looks after components of one folder. `say` is told, in words, what a person should know."""

    def __init__(self, folder: SystemFolder, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._watched: dict[str, _Watched] = {}
        self._stop = threading.Event()
        self._hurry = threading.Event()

    def request_stop(self) -> None:
        """Ends `watch`; asked again, no component gets any more grace. Safe in a signal handler."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    @property
    def stop_requested(self) -> bool:
        """Whether someone asked to stop."""
        return self._stop.is_set()

    def start(self, component: Component) -> None:
        """Starts one component."""
        process = child.start(self._folder, component)
        self._watched[component.name] = _Watched(component, process, time.monotonic())

    def wait_until(self, ready: Callable[[], bool], name: str, seconds: float) -> None:
        """Waits for a condition while starting. Raises ComponentError where a component ends or time does."""
        deadline = time.monotonic() + seconds
        while not self._stop.is_set() and not ready():
            for watched in self._watched.values():
                if watched.process.poll() is not None:
                    raise self._error(watched, "while the system was starting")
            if time.monotonic() > deadline:
                raise ComponentError(name, f"was not ready in {seconds:.0f} s", self._folder.log_file(name))
            self._stop.wait(WATCH_SECONDS)

    def watch(self) -> None:
        """Restarts what crashes until asked to stop. Raises ComponentError for one that never stays up."""
        while not self._stop.wait(WATCH_SECONDS):
            for watched in self._watched.values():
                self._look_after(watched)

    def stop_all(self) -> None:
        """Stops what was started, the last first."""
        for name, watched in reversed(self._watched.items()):
            grace = watched.component.grace_seconds
            if not child.stop(self._folder, name, grace, hurry=self._hurry.is_set):
                self._say(f"{name} did not end in time and was killed")
            watched.process.wait()
        self._watched.clear()

    def _look_after(self, watched: _Watched) -> None:
        now = time.monotonic()
        if watched.restart_at is not None:
            if now >= watched.restart_at:
                watched.process = child.start(self._folder, watched.component)
                watched.started, watched.restart_at = now, None
        elif watched.process.poll() is not None:
            self._plan_restart(watched, now)

    def _plan_restart(self, watched: _Watched, now: float) -> None:
        watched.crashes = 1 if now - watched.started > STABLE_SECONDS else watched.crashes + 1
        if watched.crashes > MAX_RESTARTS:
            raise self._error(watched, f"for the {watched.crashes}th time in a row")
        backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (watched.crashes - 1), MAX_BACKOFF_SECONDS)
        watched.restart_at = now + backoff
        name = watched.component.name
        self._say(
            f"{name} {_ending(watched.process.returncode)}; starting it again in {backoff:.0f} s "
            f"(see {self._folder.log_file(name)})"
        )

    def _error(self, watched: _Watched, when: str) -> ComponentError:
        name = watched.component.name
        return ComponentError(
            name, f"{_ending(watched.process.returncode)} {when}", self._folder.log_file(name)
        )


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
