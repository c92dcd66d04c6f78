"""The part of the worker that lives in Celery's main process: it registers, beats, polls, and drains."""

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

import structlog
from celery import signals
from celery.bootsteps import StartStopStep
from celery.worker import state
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from service.datasets.files import remove_unfinished
from service.db import ledger
from service.db.engine import SchemaMismatchError, check_schema, create_engine, session_factory
from service.settings import Settings
from service.telemetry.logs import bind_contextvars
from workers import remains
from workers.board import Board
from workers.consumer import CONFIG_EXIT_CODE
from workers.devices import Gpu, describe
from workers.usage import usage

DRAIN_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

log = structlog.get_logger(__name__)


class Presence:
    """What the ledger and the pool see of this worker. `wake` puts one look into the ledger to the pool."""

    def __init__(
        self,
        settings: Settings,
        board: Board,
        *,
        gpus: Sequence[Gpu],
        operators: Sequence[str],
        num_slots: int,
    ) -> None:
        self._settings = settings
        self._board = board
        self._gpus = gpus
        self._operators = operators
        self._num_slots = num_slots
        self._engine: Engine = create_engine(settings.resolved_database_url)
        self._sessions = session_factory(self._engine)
        self._reading = session_factory(self._engine, read_only=True)
        self._beat_at = 0.0
        self._outdated = False
        # A forked pool process must not use, nor close, this process's connections.
        os.register_at_fork(after_in_child=lambda: self._engine.dispose(close=False))

    def begin(self) -> None:
        """Enter the ledger. Raises SchemaMismatchError, and OperationalError without a database."""
        check_schema(self._engine)
        self._recover()
        remove_unfinished(self._settings)
        with self._sessions.begin() as session:
            self._board.worker_id = ledger.register_worker(
                session,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=version("frs-distill"),
                devices=describe(list(self._gpus), self._num_slots, self._operators),
            )
        bind_contextvars(worker=self._board.worker_id)
        log.info("worker_registered", slots=self._num_slots)

    def tick(self, wake: Callable[[], None]) -> None:
        """Beat when it is time, and wake the pool when a slot is idle and there is a job for it."""
        try:
            if time.monotonic() - self._beat_at >= self._settings.heartbeat_seconds:
                self._recover()
                self._beat()
                self._leave_newer_schema()
            if self._is_wanted():
                wake()
        except DBAPIError as error:
            log.warning("ledger_away", error=str(error.orig))

    def end(self) -> None:
        """Leave the ledger."""
        worker_id = self._board.worker_id
        try:
            if worker_id is not None:
                with self._sessions.begin() as session:
                    ledger.retire_worker(session, worker_id)
        except DBAPIError as error:
            log.warning("ledger_away", error=str(error.orig))
        finally:
            self._engine.dispose()

    def _recover(self) -> None:
        """Take the jobs of pool processes that were killed back at once."""
        backoff = self._settings.retry_backoff_seconds
        remains.recover(self._settings.work_dir, self._sessions, backoff_seconds=backoff)

    def _beat(self) -> None:
        worker_id = self._board.worker_id
        if worker_id is None:
            return
        with self._sessions.begin() as session:
            open_for_jobs = ledger.beat_worker(session, worker_id, usage=usage(self._gpus))
        self._board.closed = not open_for_jobs or self._outdated
        self._beat_at = time.monotonic()

    def _leave_newer_schema(self) -> None:
        """Take no more jobs once the database is another version's, finish what runs, and end the worker.

        Until then its writes are good: a migration adds, and takes away only what no version before it used.
        """
        try:
            check_schema(self._engine)
        except SchemaMismatchError as error:
            if not self._outdated:
                log.critical("schema_mismatch", message=str(error))
            self._outdated = self._board.closed = True
        if self._outdated and len(self._board.idle(self._num_slots)) == self._num_slots:
            state.should_stop = CONFIG_EXIT_CODE

    def _is_wanted(self) -> bool:
        if self._board.draining or self._board.closed or not self._board.idle(self._num_slots):
            return False
        free = len(self._board.free_gpus)
        with self._reading() as session:
            return ledger.has_claimable(
                session, gpus=free, all_gpus=len(self._gpus), operators=bool(self._operators)
            )


class PresenceStep(StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Gives the worker its presence. `options` come from `workers.app`."""

    requires = ("celery.worker.components:Pool",)

    settings: Settings
    board: Board
    gpus: Sequence[Gpu]
    operators: Sequence[str]
    look: Callable[[], None]

    def start(self, worker: Any) -> None:
        """Register, then beat and poll from the event loop's timer."""
        presence = Presence(
            self.settings,
            self.board,
            gpus=self.gpus,
            operators=self.operators,
            num_slots=worker.concurrency,
        )
        try:
            presence.begin()
        except SchemaMismatchError as error:
            log.critical("schema_mismatch", message=str(error))
            raise SystemExit(CONFIG_EXIT_CODE) from error
        for number in DRAIN_SIGNALS:
            _drain_first(number, self.board)
        # Steps stop before the pool they need; this signal comes after it has handed its jobs back.
        signals.worker_shutdown.connect(lambda **_: presence.end(), sender=worker, weak=False)
        worker.timer.call_repeatedly(
            self.settings.poll_seconds, presence.tick, (partial(self._wake, worker),)
        )

    def _wake(self, worker: Any) -> None:
        worker.pool.apply_async(type(self).look, error_callback=_log_loss)


def _drain_first(number: int, board: Board) -> None:
    """Before Celery acts on a signal, mark the worker as draining: supervisors hand their jobs back."""
    previous = signal.getsignal(number)
    assert callable(previous), f"Celery has no handler for signal {number}"

    def handle(received: int, frame: Any) -> None:
        board.drain()
        previous(received, frame)

    signal.signal(number, handle)


def _log_loss(failure: Any) -> None:
    log.error("pool_process_failed", error=str(failure.exception))
