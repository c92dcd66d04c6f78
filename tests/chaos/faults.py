"""What is done to the system, with the soak's own random numbers. Each says whether it hit anything."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

from service.broker import QUEUE, WAKE_TASK, make_celery
from tests.chaos.system import LEASE_SECONDS, System

Fault = Callable[[System, Random], bool]


def kill_child(system: System, random: Random) -> bool:
    return _signal(system.children(), random, signal.SIGKILL) is not None


def pause_child(system: System, random: Random) -> bool:
    pid = _signal(system.children(), random, signal.SIGSTOP)
    _later(random.uniform(0.5, 3), lambda: _send(pid, signal.SIGCONT))
    return pid is not None


def kill_supervisor(system: System, random: Random) -> bool:
    return _signal(system.supervisors(), random, signal.SIGKILL) is not None


def pause_supervisor_past_its_lease(system: System, random: Random) -> bool:
    pid = _signal(system.supervisors(), random, signal.SIGSTOP)
    _later(LEASE_SECONDS + random.uniform(0, 2), lambda: _send(pid, signal.SIGCONT))
    return pid is not None


def kill_worker(system: System, random: Random) -> bool:
    return random.choice(system.workers).send(signal.SIGKILL)


def kill_worker_with_all_its_processes(system: System, random: Random) -> bool:
    return random.choice(system.workers).send(signal.SIGKILL, group=True)


def pause_worker_past_its_lease(system: System, random: Random) -> bool:
    worker = random.choice(system.workers)
    hit = worker.send(signal.SIGSTOP, group=True)
    pid = worker.process.pid if worker.process is not None else 0

    def wake() -> None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)  # by its number: the worker itself may be dead and replaced by now

    if hit:
        _later(LEASE_SECONDS + random.uniform(0, 2), wake)
    return hit


def stop_worker(system: System, random: Random) -> bool:
    return random.choice(system.workers).send(signal.SIGTERM)


def kill_api(system: System, random: Random) -> bool:
    return system.api.send(signal.SIGKILL)


def kill_relay(system: System, random: Random) -> bool:
    return system.keeper.send(signal.SIGKILL)


def restart_broker(system: System, random: Random) -> bool:
    """Redis comes back empty, RabbitMQ with its queue."""
    system.broker.stop()
    time.sleep(random.uniform(0, 1))
    system.broker.start()
    return True


def restart_postgres(system: System, random: Random) -> bool:
    system.postgres.stop()
    time.sleep(random.uniform(0, 1))
    system.postgres.start()
    return True


def repeat_messages(system: System, random: Random) -> bool:
    app = make_celery(system.settings)
    for _ in range(5):
        app.send_task(WAKE_TASK, args=["0" * 16], queue=QUEUE)
    return True


def drop_messages(system: System, random: Random) -> bool:
    return system.broker.drop_messages()


def delay_messages(system: System, random: Random) -> bool:
    """The broker answers nobody for a while: every message on its way comes late."""
    system.broker.stall(random.uniform(2, 6))
    return True


def fill_the_disk(system: System, random: Random) -> bool:
    """Where the workers have a disk of their own: nothing can be written for a moment."""
    if not system.disk_is_small:
        return False
    filler = system.disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    time.sleep(random.uniform(0.5, 2))
    filler.unlink()
    return True


def break_the_store(system: System, random: Random) -> bool:
    away = system.artifacts.with_name("artifacts.away")
    system.artifacts.rename(away)
    system.artifacts.write_text("no folder")
    time.sleep(random.uniform(0.2, 1))
    system.artifacts.unlink()
    away.rename(system.artifacts)
    return True


def truncate_a_state(system: System, random: Random) -> bool:
    states = sorted(system.artifacts.glob("jobs/*/*/*.pth"))  # the miniature's runs export none
    if not states:
        return False
    path = random.choice(states)
    with suppress(FileNotFoundError):
        os.truncate(path, max(0, path.stat().st_size - 3))
    return True


FAULTS: dict[Fault, int] = {
    kill_child: 8,
    pause_child: 4,
    kill_supervisor: 6,
    pause_supervisor_past_its_lease: 3,
    kill_worker: 2,
    kill_worker_with_all_its_processes: 2,
    pause_worker_past_its_lease: 2,
    stop_worker: 2,
    kill_api: 2,
    kill_relay: 2,
    restart_broker: 2,
    restart_postgres: 1,
    repeat_messages: 3,
    drop_messages: 3,
    delay_messages: 3,
    fill_the_disk: 2,
    break_the_store: 2,
    truncate_a_state: 3,
}
"""Each fault with how often it comes, in proportion."""

BROKER_FAULTS: dict[Fault, int] = {
    restart_broker: 2,
    repeat_messages: 2,
    drop_messages: 2,
    delay_messages: 2,
    kill_relay: 1,
    kill_worker: 1,
    kill_child: 1,
}
"""What can go wrong on the way of a message, and with those who send and take it."""


def _signal(pids: list[int], random: Random, number: signal.Signals) -> int | None:
    pid = random.choice(sorted(pids)) if pids else None
    _send(pid, number)
    return pid


def _send(pid: int | None, number: signal.Signals) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _later(seconds: float, do: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
