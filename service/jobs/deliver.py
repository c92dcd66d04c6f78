"""Tells webhooks of ends.

`python -m service.jobs.deliver` goes on while there is something to tell, and a minute longer. The keeper
starts it, so that receivers which answer slowly, or never, keep neither a request nor the queue waiting.
"""

import os
import sys
import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from service.db.engine import create_engine, session_factory
from service.settings import Settings
from service.telemetry.logs import configure_logs
from service.webhooks.delivering import deliver
from service.webhooks.fan_out import fan_out
from service.webhooks.sending import Sender

IDLE_SECONDS = 60.0
_POLL_SECONDS = 0.5
_log = structlog.get_logger(__name__)


def deliver_all(
    factory: sessionmaker[Session], settings: Settings, *, goes_on: Callable[[], bool], idle_seconds: float
) -> None:
    """Tell what there is to tell, until nothing was for so long or `goes_on` says no."""
    send = Sender(private_hosts=frozenset(settings.webhook_private_hosts))
    last = time.monotonic()
    pause = threading.Event()
    while goes_on() and time.monotonic() - last <= idle_seconds:
        if fan_out(factory, settings.resolved_public_url) + deliver(factory, send):
            last = time.monotonic()
        else:
            pause.wait(_POLL_SECONDS)


def main() -> int:
    """Deliver for as long as the keeper is there. Returns the exit code: 1 where the database went away."""
    keeper = os.getppid()
    settings = Settings()
    configure_logs("deliver", level=settings.log_level, form=settings.log_format)
    engine = create_engine(settings.resolved_database_url)
    try:
        deliver_all(
            session_factory(engine),
            settings,
            goes_on=lambda: os.getppid() == keeper,
            idle_seconds=IDLE_SECONDS,
        )
    except DBAPIError as error:
        _log.warning("deliver.ended", error=str(error))
        return 1
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
