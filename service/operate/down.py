"""Ends an embedded system and whatever a crashed one left behind."""

import signal
import time

from service.operate import child
from service.operate.components import COMPONENT_NAMES, STOP_MARGIN_SECONDS
from service.operate.folder import SystemFolder
from service.operate.processes import POLL_SECONDS, kill, wait_gone
from service.settings import Settings

SUPERVISOR_MARGIN_SECONDS = 60.0
"""What the supervisor gets beyond its worker's grace, to stop the other components."""


def down(settings: Settings) -> bool:
    """Stops the system in `settings.data_dir`, the worker first, which hands its job back. No process stays.

    Gives whether anything ran.
    """
    folder = SystemFolder(settings.data_dir)
    stopped = False
    while folder.run_dir.is_dir():
        supervisor = folder.find_supervisor()
        if supervisor is not None:
            stopped = True
            supervisor.send(signal.SIGTERM)
            patience = settings.grace_seconds + STOP_MARGIN_SECONDS + SUPERVISOR_MARGIN_SECONDS
            kill(wait_gone({supervisor}, patience))
        with folder.hold() as held:
            if held:
                return stop_leftovers(folder, settings) or stopped
        time.sleep(POLL_SECONDS)  # a supervisor is starting and will soon give its name
    return stopped


def stop_leftovers(folder: SystemFolder, settings: Settings) -> bool:
    """Stops components whose supervisor is gone, removes their files; gives whether there were any.

    For the holder of the folder only.
    """
    found = False
    for name in reversed(COMPONENT_NAMES):
        found |= child.running(folder, name)
        child.stop(folder, name, settings.grace_seconds + STOP_MARGIN_SECONDS)
    folder.clean()
    return found
