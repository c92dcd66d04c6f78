"""Keeps an attempt's lease alive, however long an upload takes, and hears what the user wants of the job."""

import threading
import time
from types import TracebackType

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from service.db.states import DesiredState
from service.telemetry.logs import with_log_context

log = structlog.get_logger(__name__)


class LeaseLostError(Exception):
    """The lease ran out while the ledger could not be reached, or another attempt has the job."""


class Heart:
    """Beats in a thread of its own, from entering to leaving a `with` block."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        lease: ledger.Lease,
        *,
        lease_seconds: float,
        every_seconds: float,
    ) -> None:
        self.desired = DesiredState.RUN
        self._sessions = sessions
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._every_seconds = every_seconds
        self._renewed_at = time.monotonic()
        self._stale = False
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=with_log_context(self._run), name=f"heart-{lease.job_id}", daemon=True
        )

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Raise LeaseLostError when this attempt may write no more."""
        if self._stale:
            raise LeaseLostError("another attempt has the job")
        if time.monotonic() - self._renewed_at > self._lease_seconds:
            raise LeaseLostError(f"the ledger could not be reached for {self._lease_seconds} seconds")

    def _run(self) -> None:
        while not self._stop.wait(self._every_seconds):
            self._beat()
            if self._stale:
                return

    def _beat(self) -> None:
        began = time.monotonic()
        try:
            with self._sessions.begin() as session:
                desired = ledger.heartbeat(session, self._lease, lease_seconds=self._lease_seconds)
        except ledger.StaleLeaseError:
            self._stale = True
        except DBAPIError as error:
            log.warning("heartbeat_failed", error=str(error.orig))
        else:
            self._renewed_at, self.desired = began, desired
