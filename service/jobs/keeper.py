"""The process that keeps order: relays wake-ups, takes jobs from dead workers, removes what nothing names.

Run it as `python -m service.jobs.keeper`. Of several, one works and the others wait for its death.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Self

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore, open_store
from service.broker import make_celery, send_wakeup
from service.datasets.files import remove_unfinished
from service.db import audit, mirrored, webhooks
from service.db.dataset_checks import give_up_dying, has_unchecked, settle_ended_jobs
from service.db.engine import SchemaMismatchError, check_schema, create_engine, session_factory
from service.db.fleet import notice_lost_workers
from service.db.leadership import Leadership
from service.db.ledger import expire_leases
from service.jobs.chores import Chore, run_chores
from service.jobs.cleaner import clean
from service.jobs.diary import DIARY, NOTE_SECONDS, note_chores
from service.jobs.relay import BATCH, prune, publish
from service.jobs.resample import next_matches
from service.settings import Settings
from service.telemetry.logs import configure_logs

LEAD_SECONDS = 1.0
RELAY_SECONDS = 0.1
PRUNE_SECONDS = 3600.0
CLEAN_SECONDS = 6 * 3600.0
RESAMPLE_SECONDS = 10.0
CHECK_SECONDS = 1.0
DELIVER_SECONDS = 1.0
MIRROR_SECONDS = 5.0
_log = structlog.get_logger(__name__)


def keep(settings: Settings, stop: threading.Event) -> None:
    """Do the keeper's chores until `stop` is set. Raises SchemaMismatchError once the schema is another."""
    engine = create_engine(settings.resolved_database_url)
    try:
        check_schema(engine)
        remove_unfinished(settings)
        factory = session_factory(engine)
        leadership = Leadership(engine)
        with ExitStack() as asides:
            led = _chores(settings, engine)
            looking = session_factory(engine, read_only=True)
            for name, (module, work, period_seconds) in _asides(settings).items():
                aside = asides.enter_context(_Aside(looking, work, module))
                led.append(Chore(name=name, do=aside.look, period_seconds=period_seconds))
            diary = partial(note_chores, factory, list(led))
            led.append(Chore(name=DIARY, do=diary, period_seconds=NOTE_SECONDS))
            lead = Chore(name="lead", do=partial(_lead, leadership, led), period_seconds=LEAD_SECONDS)
            for chore in led:
                chore.do = partial(_if_leading, leadership, chore.do)
            run_chores([lead, *led], stop)
        leadership.give_up()
    finally:
        engine.dispose()


def _asides(settings: Settings) -> dict[str, tuple[str, Callable[[Session], object], float]]:
    """By a chore's name: the module that does it in a process of its own, what finds work, and how often."""
    found: dict[str, tuple[str, Callable[[Session], object], float]] = {
        "resample": ("resample", next_matches, RESAMPLE_SECONDS),
        "check": ("check_datasets", has_unchecked, CHECK_SECONDS),
        "deliver": ("deliver", webhooks.has_work, DELIVER_SECONDS),
    }
    if settings.mlflow_url:
        found["mirror"] = ("mirror", mirrored.has_work, MIRROR_SECONDS)
    return found


def _lead(leadership: Leadership, led: Sequence[Chore]) -> bool:
    before = leadership.is_held
    if leadership.renew() != before:
        _log.info("keeper.waits" if before else "keeper.leads")
        for chore in led:
            chore.num_runs = chore.num_failed = 0  # while another leads, nothing is done
    return False


def _if_leading(leadership: Leadership, do: Callable[[], bool]) -> bool:
    return leadership.is_held and do()


class _Aside:
    """Starts a process of `service.jobs` where `work` finds something for it to do and none of it runs.

    One that ended with an error counts as a chore that failed.
    """

    def __init__(
        self, factory: sessionmaker[Session], work: Callable[[Session], object], module: str
    ) -> None:
        self._factory, self._work, self._module = factory, work, module
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> bool:
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return False
            self._process = None
            if code:
                raise ChildProcessError(f"service.jobs.{self._module} ended with {code}")
        with self._factory() as session:
            is_work = bool(self._work(session))
        if is_work:
            command = [sys.executable, "-m", f"service.jobs.{self._module}"]
            self._process = subprocess.Popen(command)  # noqa: S603  # nosec B603  # a module of ours
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def main() -> int:
    """Keep until TERM or INT. Returns the exit code: 1 where the schema is not this version's."""
    settings = Settings()
    configure_logs("keeper", level=settings.log_level, form=settings.log_format)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _log.info("keeper.started")
    try:
        keep(settings, stop)
    except SchemaMismatchError as error:
        _log.error("keeper.refused", reason=str(error))
        return 1
    _log.info("keeper.stopped")
    return 0


def _chores(settings: Settings, engine: Engine) -> list[Chore]:
    factory = session_factory(engine)
    store = open_store(settings.resolved_artifacts_url)
    chores = [
        Chore(name="reap", do=partial(_reap, settings, engine), period_seconds=settings.heartbeat_seconds),
        Chore(name="prune", do=partial(_prune, factory), period_seconds=PRUNE_SECONDS),
        Chore(name="clean", do=partial(_clean, factory, store, settings), period_seconds=CLEAN_SECONDS),
    ]
    if settings.audit_days is not None:
        forget = partial(_forget_audit, factory, settings.audit_days)
        chores.append(Chore(name="audit", do=forget, period_seconds=PRUNE_SECONDS))
    if settings.broker_url:
        send = partial(send_wakeup, make_celery(settings))
        relay = Chore(name="relay", do=lambda: publish(factory, send) == BATCH, period_seconds=RELAY_SECONDS)
        chores.append(relay)
    return chores


def _reap(settings: Settings, engine: Engine) -> bool:
    check_schema(engine)  # somebody may have upgraded the database under this process
    with session_factory(engine).begin() as session:
        job_ids = expire_leases(session, backoff_seconds=settings.retry_backoff_seconds)
        worker_ids = notice_lost_workers(session, silent_seconds=settings.lease_seconds)
        settle_ended_jobs(session)
        give_up_dying(session)
    for job_id in job_ids:
        _log.warning("lease.expired", job_id=job_id)
    for worker_id in worker_ids:
        _log.warning("worker.lost", worker_id=worker_id)
    return False


def _clean(factory: sessionmaker[Session], store: ArtifactStore, settings: Settings) -> bool:
    clean(factory, store, settings)
    return False


def _prune(factory: sessionmaker[Session]) -> bool:
    with factory.begin() as session:
        prune(session)
        webhooks.forget_old(session)
    return False


def _forget_audit(factory: sessionmaker[Session], days: int) -> bool:
    with factory.begin() as session:
        num_gone = audit.forget(session, days=days)
    if num_gone:
        _log.info("audit.forgotten", entries=num_gone, days=days)
    return num_gone > 0


if __name__ == "__main__":
    sys.exit(main())
