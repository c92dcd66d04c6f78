"""Starts the embedded system: in this process until asked to stop, or detached with its own supervisor."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import httpx
import structlog

from service.operate import redis_server
from service.operate.components import broker_component, service_components, settings_environment
from service.operate.down import stop_leftovers
from service.operate.errors import ComponentError, OperateError
from service.operate.folder import SUPERVISOR, SystemFolder
from service.operate.ports import address, claim_port
from service.operate.processes import POLL_SECONDS, own_identity, write_identity
from service.operate.supervisor import Supervisor
from service.settings import Settings
from service.telemetry.logs import configure_logs

BROKER_SECONDS = 15.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
READY_SECONDS = 90.0
"""On two busy cores, importing the API alone can take most of ten seconds."""


class AlreadyRunningError(OperateError):
    """A supervisor already looks after this folder."""

    def __init__(self, folder: SystemFolder) -> None:
        self.url = folder.read_url()
        super().__init__(f"already running at {self.url or '(still starting)'} from {folder.data_dir}")


def serve(settings: Settings, *, say: Callable[[str], None], ready: Callable[[str], None]) -> None:
    """Runs the system until TERM, Ctrl-C or the end of its terminal; `ready` gets the URL once it answers.

    Raises AlreadyRunningError, or OperateError where a part cannot start or stay up; all is stopped then.
    """
    folder = SystemFolder(settings.data_dir)
    folder.create()
    with folder.hold() as held:
        if not held:
            raise AlreadyRunningError(folder)
        stop_leftovers(folder, settings)
        write_identity(folder.pid_file(SUPERVISOR), own_identity())
        supervisor = Supervisor(folder, say)
        with _stopped_by_signals(supervisor):
            try:
                url = _start(supervisor, folder, settings)
                if not supervisor.stop_requested:
                    folder.url_file.write_text(f"{url}\n")
                    ready(url)
                    supervisor.watch()
            finally:
                say("stopping (asked once more, it kills at once: a running job resumes from its checkpoint)")
                supervisor.stop_all()
                folder.clean()


def start_detached(settings: Settings) -> str:
    """Starts the system with a supervisor that outlives this process; gives the URL once it answers.

    Raises AlreadyRunningError, or OperateError with the end of the supervisor's log.
    """
    folder = SystemFolder(settings.data_dir)
    folder.create()
    if folder.find_supervisor() is not None:
        raise AlreadyRunningError(folder)
    log_file = folder.log_file(SUPERVISOR)
    with log_file.open("wb") as log:
        process = subprocess.Popen(  # nosec B603  # a fixed command
            [sys.executable, "-m", "service.operate.up"],
            env=settings_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            supervisor, url = folder.find_supervisor(), folder.read_url()
            if url is not None and supervisor is not None and supervisor.pid == process.pid:
                return url
            time.sleep(POLL_SECONDS)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if folder.find_supervisor() is not None:
        raise AlreadyRunningError(folder)  # another was quicker
    raise ComponentError("the system", f"ended with code {process.returncode} while starting", log_file)


def main() -> None:
    """The detached supervisor."""
    settings = Settings()
    configure_logs("up", level=settings.log_level, form=settings.log_format)
    log = structlog.get_logger("service.operate.up")
    try:
        serve(settings, say=log.warning, ready=lambda url: log.info("ready", url=url))
    except OperateError as error:
        log.error(str(error))  # noqa: TRY400  # the message is for people; the log it quotes has the trace
        sys.exit(1)


def _start(supervisor: Supervisor, folder: SystemFolder, settings: Settings) -> str:
    port = claim_port(settings.host, settings.port)
    broker_url = settings.broker_url or _start_broker(supervisor, folder)
    settings = settings.model_copy(
        update={"data_dir": folder.data_dir, "broker_url": broker_url, "port": port}
    )
    _prepare(settings)
    for component in service_components(settings):
        supervisor.start(component)
    url = address(settings.host, port)
    supervisor.wait_until(lambda: _answers(f"{url}/readyz"), "api", READY_SECONDS)
    return url


def _start_broker(supervisor: Supervisor, folder: SystemFolder) -> str:
    supervisor.start(broker_component(folder))
    socket_path = folder.socket_path
    supervisor.wait_until(lambda: redis_server.answers(socket_path), "redis", BROKER_SECONDS)
    return redis_server.url(socket_path)


def _prepare(settings: Settings) -> None:
    """The schema of this version, and a key: this machine's own, where only this machine can ask."""
    from service.db.engine import create_engine, upgrade
    from service.operate.first_key import check_before_serving, ensure_local_key, is_loopback

    upgrade(settings.resolved_database_url)
    check_before_serving(settings)
    if is_loopback(settings.host):
        engine = create_engine(settings.resolved_database_url)
        ensure_local_key(engine, settings)
        engine.dispose()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def _stopped_by_signals(supervisor: Supervisor) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.request_stop()

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main()
