"""Celery's consumer, except that a broker which is away does not stop the event loop.

Celery waits for a broker in a blocking loop. Nothing then feeds the pool or reads its results, so polling,
which is there for exactly that case, would stand still.
"""

import time
from typing import Any, ClassVar

import structlog
from amqp.exceptions import PreconditionFailed
from celery.worker.consumer import Consumer as CeleryConsumer
from celery.worker.state import maybe_shutdown
from kombu.exceptions import OperationalError

from service.broker import other_kind_of_queue

CONFIG_EXIT_CODE = 78  # EX_CONFIG of sysexits.h
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0)

log = structlog.get_logger(__name__)


class Consumer(CeleryConsumer):  # type: ignore[misc]  # Celery has no types
    """Turns the event loop between its tries to connect, of which there is no end."""

    class Blueprint(CeleryConsumer.Blueprint):  # type: ignore[misc]  # Celery has no types
        """Celery's steps, but none that would make 28 queues for messages with a delay: there are none."""

        default_steps: ClassVar = [
            step for step in CeleryConsumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        ]

    def start(self) -> None:
        """Work until the end. Exits where the broker's queue is of another kind: that needs a person."""
        try:
            super().start()
        except PreconditionFailed as error:
            log.critical("other_kind_of_queue", message=other_kind_of_queue(), error=str(error))
            raise SystemExit(CONFIG_EXIT_CODE) from error

    def ensure_connected(self, conn: Any) -> Any:
        """Connect `conn`, however long that takes, and return it."""
        tries = 0
        while True:
            maybe_shutdown()
            try:
                # Once: every further try would keep the loop waiting.
                conn.ensure_connection(max_retries=0)
            except (OperationalError, *self.connection_errors) as error:
                seconds = RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                log.warning("broker_away", broker=conn.as_uri(), error=str(error), retry_seconds=seconds)
                conn.maybe_switch_next()  # to the next broker, where several are configured
                self._turn_loop(time.monotonic() + seconds)
                tries += 1
            else:
                if tries:
                    log.info("broker_is_back", broker=conn.as_uri())
                self.first_connection_attempt = False
                return conn

    def _turn_loop(self, deadline: float) -> None:
        """Run the event loop, with the pool and the timers but no broker, for a while."""
        timer_entries = self._timer_entries()
        self.controller.register_with_event_loop(self.hub)
        try:
            loop = self.hub.create_loop()
            while time.monotonic() < deadline:
                maybe_shutdown()
                next(loop)
        finally:
            # As after a lost connection: the loop that follows registers all of this again.
            self.hub.reset()
            for entry in self._timer_entries() - timer_entries:
                self.hub.timer.cancel(entry)

    def _timer_entries(self) -> set[Any]:
        return {scheduled.entry for scheduled in self.hub.timer.queue}
