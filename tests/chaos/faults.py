"""What is done to the system. Each takes the system and the soak's own random numbers."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

from redis.exceptions import ConnectionError as RedisAwayError

from service.broker import QUEUE, WAKE_TASK, make_celery
from tests.chaos.system import LEASE_SECONDS, System

Fault = Callable[[System, Random], None]


def kill_child(system: System, random: Random) -> None:
    _signal(system.children(), random, signal.SIGKILL)


def pause_child(system: System, random: Random) -> None:
    pid = _signal(system.children(), random, signal.SIGSTOP)
    _later(random.uniform(0.5, 3), lambda: _send(pid, signal.SIGCONT))


def kill_supervisor(system: System, random: Random) -> None:
    _signal(system.supervisors(), random, signal.SIGKILL)


def pause_supervisor_past_its_lease(system: System, random: Random) -> None:
    pid = _signal(system.supervisors(), random, signal.SIGSTOP)
    _later(LEASE_SECONDS + random.uniform(0, 2), lambda: _send(pid, signal.SIGCONT))


def kill_worker(system: System, random: Random) -> None:
    random.choice(system.workers).send(signal.SIGKILL)


def kill_worker_with_all_its_processes(system: System, random: Random) -> None:
    random.choice(system.workers).send(signal.SIGKILL, group=True)


def pause_worker_past_its_lease(system: System, random: Random) -> None:
    worker = random.choice(system.workers)
    worker.send(signal.SIGSTOP, group=True)
    _later(LEASE_SECONDS + random.uniform(0, 2), lambda: worker.send(signal.SIGCONT, group=True))


def stop_worker(system: System, random: Random) -> None:
    random.choice(system.workers).send(signal.SIGTERM)


def kill_api(system: System, random: Random) -> None:
    system.api.send(signal.SIGKILL)


def kill_relay(system: System, random: Random) -> None:
    system.keeper.send(signal.SIGKILL)


def empty_redis(system: System, random: Random) -> None:
    system.redis.stop()
    time.sleep(random.uniform(0, 1))
    system.redis.start()


def restart_postgres(system: System, random: Random) -> None:
    system.postgres.stop()
    time.sleep(random.uniform(0, 1))
    system.postgres.start()


def repeat_messages(system: System, random: Random) -> None:
    app = make_celery(system.settings)
    for _ in range(5):
        app.send_task(WAKE_TASK, args=["0" * 16], queue=QUEUE)
    del random


def drop_messages(system: System, random: Random) -> None:
    with suppress(RedisAwayError):
        system.redis.client.delete(QUEUE)


def break_the_store(system: System, random: Random) -> None:
    away = system.artifacts.with_name("artifacts.away")
    system.artifacts.rename(away)
    system.artifacts.write_text("no folder")
    time.sleep(random.uniform(0.2, 1))
    system.artifacts.unlink()
    away.rename(system.artifacts)


def truncate_a_state(system: System, random: Random) -> None:
    states = sorted(system.artifacts.glob("jobs/*/*/*/state_*.pth"))
    if states:
        path = random.choice(states)
        with suppress(FileNotFoundError):
            os.truncate(path, max(0, path.stat().st_size - 3))


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
    empty_redis: 2,
    restart_postgres: 1,
    repeat_messages: 3,
    drop_messages: 3,
    break_the_store: 2,
    truncate_a_state: 3,
}
"""Each fault with how often it comes, in proportion."""


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
