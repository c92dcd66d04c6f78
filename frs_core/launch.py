"""Starts a run as several processes of this host through torchrun's agent, and ends as they do."""

import os
import signal
import sys
import uuid
from collections.abc import Iterable, Sequence
from types import FrameType

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from frs_core.context import LocalContext
from frs_core.events import EVENTS_FILE, EXIT_CODES, ResultEvent, event_adapter


def launch(context: LocalContext, module: str, arguments: Sequence[str], *, num_processes: int) -> int:
    """Run `python -m MODULE ARGUMENTS` in that many processes until all have ended; gives the exit code.

    They write their events, the result among them, where `context` does. Where they end without a result,
    this process ends as the one that failed did. TERM and INT are passed on to them; those that do not end
    on it are killed after TORCH_ELASTIC_SHUTDOWN_TIMEOUT seconds, 30 by default.
    """
    seen = _num_bytes(context)
    exit_code = EXIT_CODES["failed"]
    try:
        _interrupt_on_signals()
        if not context.should_stop():
            _prepare_environment(num_processes)
            agent = elastic_launch(_config(num_processes), sys.executable)
            agent(*(["-P"] if sys.flags.safe_path else []), "-m", module, *arguments)
    except SignalException:
        pass
    except ChildFailedError as error:
        exit_code = _first_failure(error.failures.values()).exitcode
    result = _result(context, seen)
    return _end_as(exit_code) if result is None else EXIT_CODES[result.outcome]


def _first_failure(failures: Iterable[ProcessFailure]) -> ProcessFailure:
    """A process that a signal ended is the cause: the others then failed for want of it.

    But for TERM, by which the agent ends those that are left.
    """

    def lateness(each: ProcessFailure) -> tuple[bool, bool, int]:
        return each.exitcode == -signal.SIGTERM, each.exitcode >= 0, each.timestamp

    return min(failures, key=lateness)


def _config(num_processes: int) -> LaunchConfig:
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_processes,
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,  # the service starts anew what is worth it, from the last state
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
    )


def _prepare_environment(num_processes: int) -> None:
    """The processes share this one's threads, and talk over the loopback interface alone."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    num_threads = int(given) if given.isdigit() else len(os.sched_getaffinity(0))
    os.environ["OMP_NUM_THREADS"] = str(max(1, num_threads // num_processes))
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        os.environ.setdefault(name, "lo")


def _interrupt_on_signals() -> None:
    """As the agent does itself, but only once its processes run."""

    def interrupt(number: int, _: FrameType | None) -> None:
        raise SignalException(f"got signal {number}", signal.Signals(number))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


def _end_as(exit_code: int) -> int:
    """The exit code of a process; where a signal ended that one, the same ends this one."""
    if exit_code < 0:
        if -exit_code != signal.SIGKILL:
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    return exit_code


def _num_bytes(context: LocalContext) -> int:
    path = context.workdir / EVENTS_FILE
    return path.stat().st_size if path.exists() else 0


def _result(context: LocalContext, seen: int) -> ResultEvent | None:
    """The last result that was written after the first `seen` bytes."""
    path = context.workdir / EVENTS_FILE
    lines = path.read_bytes()[seen:].splitlines() if path.exists() else []
    events = (event_adapter.validate_json(line) for line in reversed(lines))
    return next((event for event in events if isinstance(event, ResultEvent)), None)
