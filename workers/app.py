"""The Celery application of a worker: `python -m workers`, or `celery -A workers.app worker`."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from billiard.process import current_process
from celery import signals
from celery.apps import worker as celery_worker

from service.artifacts import open_store
from service.broker import WAKE_TASK, make_celery
from service.db.engine import create_engine, session_factory
from service.settings import Settings
from service.telemetry.logs import LogFormat, configure_logs
from workers import remains, tasks
from workers.board import MAX_GPUS, Board
from workers.bootstep import PresenceStep
from workers.devices import compiled_operators, lent_gpus
from workers.parentage import die_with_parent
from workers.process import CHILD_COMMAND
from workers.workplace import Workplace

settings = Settings()
gpus = lent_gpus(settings.devices)[:MAX_GPUS]
board = Board(len(gpus))
operators = compiled_operators()
num_slots = max(1, len(gpus))
child_command: Sequence[str] = CHILD_COMMAND
main_pid = os.getpid()  # pool processes are forked from here, and inherit it

app = make_celery(settings)
app.conf.update(worker_consumer="workers.consumer:Consumer", worker_concurrency=num_slots)


@app.task(name=WAKE_TASK)  # type: ignore[untyped-decorator]  # Celery has no types
def wake(job_id: str) -> None:  # noqa: ARG001 - a hint; the ledger says which job is best
    """Look into the ledger."""
    look()


def look() -> None:
    """Work in this pool process for as long as there are jobs."""
    slot = current_process().index
    tasks.work(board, slot, _workplace(os.getpid()))


@cache
def _workplace(pid: int) -> Workplace:  # noqa: ARG001 - connections belong to one process
    num_cpus = len(os.sched_getaffinity(0))
    return Workplace(
        settings=settings,
        sessions=session_factory(create_engine(settings.resolved_database_url)),
        store=open_store(settings.resolved_artifacts_url),
        gpus=[gpu.uuid for gpu in gpus],
        num_threads=max(1, num_cpus // num_slots),
        draining=lambda: board.draining,
        child_command=child_command,
        operators=bool(operators),
    )


@signals.worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _use_event_loop(sender: Any, **_: Any) -> None:
    # The in-memory transport would otherwise choose Celery's pool of threads, where a killed process
    # can leave a lock behind that nobody opens again.
    sender.use_eventloop = True


@signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _log_our_way(**_: Any) -> None:
    # That this signal is heard keeps Celery from configuring anything of its own.
    configure_logs("worker", level=settings.log_level, form=settings.log_format)


def _say_as_a_line(message: str, *_: Any) -> None:
    """What Celery says of a signal, in our form. Within a signal handler nothing that buffers may be used."""
    line = json.dumps({"event": message.strip(), "level": "info", "logger": "celery", "component": "worker"})
    text = line if settings.log_format is LogFormat.JSON else message.strip()
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{text}\n".encode())


celery_worker.safe_say = _say_as_a_line


@signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _take_over_slot(**_: Any) -> None:
    die_with_parent(main_pid, signal.SIGTERM)  # which hands a job in hand back
    slot = current_process().index
    # The process before may have been killed: its GPUs are free once nothing runs on them.
    if remains.end_orphans(settings.work_dir):
        board.clear(slot)


class _Presence(PresenceStep):
    settings = settings
    board = board
    gpus = gpus
    operators = operators
    look = staticmethod(look)


app.steps["worker"].add(_Presence)
