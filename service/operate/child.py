"""One running component: started in a session of its own, ended with all that it started."""

import os
import signal
import subprocess
from collections.abc import Callable

from service.operate.components import Component
from service.operate.folder import SystemFolder
from service.operate.processes import (
    MARKER,
    ProcessIdentity,
    descendants,
    identify,
    kill,
    marked,
    read_identity,
    wait_gone,
    write_identity,
)

ORPHAN_SECONDS = 2.0


def marker(folder: SystemFolder, name: str) -> str:
    """What tells the processes of one component of one system from all others."""
    return f"{folder.data_dir}:{name}"


def start(folder: SystemFolder, component: Component) -> "subprocess.Popen[bytes]":
    """Starts the component, its output appended to its log, its pid file written."""
    environment = {**component.environment, MARKER: marker(folder, component.name)}
    with folder.log_file(component.name).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # nosec B603  # a component of ours
            component.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    identity = identify(process.pid)
    if identity is not None:
        write_identity(folder.pid_file(component.name), identity)
    return process


def running(folder: SystemFolder, name: str) -> bool:
    """Whether any process of the component runs."""
    main = read_identity(folder.pid_file(name))
    return (main is not None and main.alive) or bool(marked(marker(folder, name)))


def stop(
    folder: SystemFolder, name: str, grace_seconds: float, *, hurry: Callable[[], bool] = lambda: False
) -> bool:
    """TERM, then KILL after the grace, to a component; then the same to whatever it left behind.

    Works from the pid file, so that one who did not start the component can stop it as well.
    Gives whether it ended within its grace.
    """
    main = read_identity(folder.pid_file(name))
    family: set[ProcessIdentity] = set()
    in_time = True
    if main is not None and main.alive:
        family = descendants(main.pid)
        main.send(signal.SIGTERM)
        in_time = not wait_gone({main}, grace_seconds, hurry=hurry)
        family |= descendants(main.pid)
        kill({main})
    _sweep(family | marked(marker(folder, name)))
    folder.pid_file(name).unlink(missing_ok=True)
    return in_time


def _sweep(left: set[ProcessIdentity]) -> None:
    left = {process for process in left if process.pid != os.getpid()}
    for process in left:
        process.send(signal.SIGTERM)
    kill(wait_gone(left, ORPHAN_SECONDS))
