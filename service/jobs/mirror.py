"""Mirrors runs to the MLflow server of FRS_MLFLOW_URL.

`python -m service.jobs.mirror` goes on while there is something to do, and a minute longer. The keeper starts
it, so that a server which is slow, or away, holds nothing up. While it is away this waits longer and longer.
"""

import os
import sys
import threading

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from service.db import mirrored
from service.db.engine import create_engine, session_factory
from service.mirrors.mlflow import mirror
from service.mirrors.mlflow_server import MlflowAwayError, MlflowError, MlflowServer
from service.settings import Settings
from service.telemetry.logs import configure_logs

BATCH = 20
LOOK_SECONDS = 5.0
IDLE_SECONDS = 60.0
MAX_DELAY_SECONDS = 300.0
_log = structlog.get_logger(__name__)


def mirror_next(factory: sessionmaker[Session], server: MlflowServer, public_url: str) -> int:
    """Mirror some jobs that the server does not know all of; gives how many. Raises MlflowAwayError.

    No transaction is open while the server is waited for. What it refuses of one job holds up no other.
    """
    with factory() as session:
        job_ids = mirrored.jobs_behind(session, limit=BATCH)
    for job_id in job_ids:
        with factory() as session:
            news = mirrored.news_of(session, job_id)
        if news is None:
            continue
        try:
            known = mirror(server, news, public_url)
        except MlflowAwayError:
            raise
        except MlflowError as error:
            _log.warning("mlflow.refused", job_id=job_id, error=str(error))
            with factory.begin() as session:
                mirrored.note_failure(session, job_id, str(error))
            continue
        with factory.begin() as session:
            mirrored.note(session, job_id, **known)
    return len(job_ids)


def main() -> int:
    """Mirror for as long as the keeper is there and there is something to. Returns the exit code."""
    keeper = os.getppid()
    settings = Settings()
    configure_logs("mirror", level=settings.log_level, form=settings.log_format)
    engine = create_engine(settings.resolved_database_url)
    try:
        with MlflowServer(settings.mlflow_url, settings.mlflow_token) as server:
            _mirror_all(session_factory(engine), server, settings.resolved_public_url, keeper)
    except DBAPIError as error:
        _log.warning("mirror.ended", error=str(error))
        return 1
    finally:
        engine.dispose()
    return 0


def _mirror_all(factory: sessionmaker[Session], server: MlflowServer, public_url: str, keeper: int) -> None:
    idle, delay, pause = 0.0, LOOK_SECONDS, threading.Event()
    while os.getppid() == keeper and idle <= IDLE_SECONDS:
        try:
            if mirror_next(factory, server, public_url):
                idle, delay = 0.0, LOOK_SECONDS
                continue
            idle += LOOK_SECONDS
            _wait(pause, LOOK_SECONDS, keeper)
        except MlflowAwayError as error:
            _log.warning("mlflow.away", error=str(error), retry_seconds=delay)
            _wait(pause, delay, keeper)
            delay = min(2 * delay, MAX_DELAY_SECONDS)


def _wait(pause: threading.Event, seconds: float, keeper: int) -> None:
    """Wait, but not for long once the keeper has gone."""
    while seconds > 0 and os.getppid() == keeper:
        pause.wait(min(seconds, 1.0))
        seconds -= 1.0


if __name__ == "__main__":
    sys.exit(main())
