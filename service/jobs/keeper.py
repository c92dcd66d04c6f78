"""The process that keeps order: relays wake-ups, takes jobs from dead workers, removes what nothing names.

Run it as `python -m service.jobs.keeper`. More than one at a time does no harm.
"""

import signal
import subprocess
import sys
import threading
from functools import partial
from typing import Self

import structlog
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactStore, open_store
from service.broker import make_celery, send_wakeup
from service.db.engine import SchemaMismatchError, check_schema, create_engine, session_factory
from service.db.fleet import notice_lost_workers
from service.db.ledger import expire_leases
from service.jobs.chores import Chore, run_chores
from service.jobs.cleaner import remove_orphans
from service.jobs.relay import BATCH, prune, publish
from service.jobs.resample import next_matches
from service.settings import Settings

RELAY_SECONDS = 0.1
PRUNE_SECONDS = 3600.0
CLEAN_SECONDS = 6 * 3600.0
RESAMPLE_SECONDS = 10.0
_log = structlog.get_logger(__name__)


def keep(settings: Settings, stop: threading.Event) -> None:
    """Do the keeper's chores until `stop` is set. Raises SchemaMismatchError where the schema is another."""
    engine = create_engine(settings.resolved_database_url)
    try:
        check_schema(engine)
        with _Resampler(session_factory(engine)) as resampler:
            chores = _chores(settings, session_factory(engine))
            resample = Chore(name="resample", do=resampler.look, period_seconds=RESAMPLE_SECONDS)
            run_chores([*chores, resample], stop)
    finally:
        engine.dispose()


class _Resampler:
    """Starts the process that draws test images anew, where there is something to draw from and none runs."""

    def __init__(self, factory: sessionmaker[Session]) -> None:
        self._factory = factory
        self._process: subprocess.Popen[bytes] | None = None

    def look(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return False
        with self._factory() as session:
            is_work = next_matches(session) is not None
        if is_work:
            self._process = subprocess.Popen([sys.executable, "-m", "service.jobs.resample"])
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def main() -> int:
    """Keep until TERM or INT. Returns the exit code: 1 where the schema is not this version's."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _log.info("keeper.started")
    try:
        keep(Settings(), stop)
    except SchemaMismatchError as error:
        _log.error("keeper.refused", reason=str(error))
        return 1
    _log.info("keeper.stopped")
    return 0


def _chores(settings: Settings, factory: sessionmaker[Session]) -> list[Chore]:
    store = open_store(settings.resolved_artifacts_url)
    chores = [
        Chore(name="reap", do=partial(_reap, settings, factory), period_seconds=settings.heartbeat_seconds),
        Chore(name="prune", do=partial(_prune, factory), period_seconds=PRUNE_SECONDS),
        Chore(name="clean", do=partial(_clean, factory, store), period_seconds=CLEAN_SECONDS),
    ]
    if settings.broker_url:
        send = partial(send_wakeup, make_celery(settings))
        relay = Chore(name="relay", do=lambda: publish(factory, send) == BATCH, period_seconds=RELAY_SECONDS)
        chores.append(relay)
    return chores


def _reap(settings: Settings, factory: sessionmaker[Session]) -> bool:
    with factory.begin() as session:
        job_ids = expire_leases(session, backoff_seconds=settings.retry_backoff_seconds)
        worker_ids = notice_lost_workers(session, silent_seconds=settings.lease_seconds)
    for job_id in job_ids:
        _log.warning("lease.expired", job_id=job_id)
    for worker_id in worker_ids:
        _log.warning("worker.lost", worker_id=worker_id)
    return False


def _prune(factory: sessionmaker[Session]) -> bool:
    with factory.begin() as session:
        prune(session)
    return False


def _clean(factory: sessionmaker[Session], store: ArtifactStore) -> bool:
    remove_orphans(factory, store)
    return False


if __name__ == "__main__":
    sys.exit(main())
