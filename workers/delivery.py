"""Carries what a child wrote to the ledger and the artifact store: in order, none twice, none lost."""

import time
from collections import deque
from itertools import islice, takewhile
from pathlib import Path

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import (
    EVENTS_FILE,
    ArtifactEvent,
    CheckpointEvent,
    CheckpointKind,
    Event,
    MetricEvent,
    ProgressEvent,
    ResultEvent,
)
from service.artifacts import ArtifactError, ArtifactStore, object_key
from service.db import ledger
from workers.deadlines import Sign
from workers.tail import EventTail, LogTail
from workers.workdir import WorkFolder

REPLACED_KINDS = (CheckpointKind.STATE, CheckpointKind.BEST)
BATCH_EVENTS = 500
TURN_SECONDS = 0.5
LEDGER_AWAY = (OperationalError, InterfaceError)
"""What SQLAlchemy raises when the database cannot be reached or is busy: worth another try."""

log = structlog.get_logger(__name__)


class StorageError(Exception):
    """A file that the run announced could not be stored."""


class Delivery:
    """The way of one attempt's events, output and files. `result` is the run's last word, once delivered."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        store: ArtifactStore,
        lease: ledger.Lease,
        folder: WorkFolder,
        *,
        keep_states: int,
    ) -> None:
        self.result: ResultEvent | None = None
        self._sessions = sessions
        self._store = store
        self._lease = lease
        self._folder = folder.path
        self._keep_states = keep_states
        self._events = EventTail(folder.path / EVENTS_FILE)
        self._output_file = folder.output
        self._output = LogTail(folder.output)
        self._queue: deque[Event] = deque()
        self._last: dict[CheckpointKind, Path] = {}
        self._begun = False

    @property
    def has_succeeded(self) -> bool:
        """Whether the run said so."""
        return self.result is not None and self.result.outcome == "succeeded"

    def sign(self) -> Sign:
        """What is seen of the run: its work begins when it leaves the phase `starting`."""
        files = (self._folder / EVENTS_FILE, self._output_file)
        return Sign(begun=self._begun, size_bytes=sum(file.stat().st_size for file in files if file.exists()))

    def deliver(self, *, final: bool = False) -> bool:
        """Deliver for a moment. True when nothing is left; else call again, nothing is lost.

        Raises StaleLeaseError when the lease is gone, StorageError when a file cannot be kept.
        """
        deadline = time.monotonic() + TURN_SECONDS
        try:
            return self._deliver_events(deadline) and self._deliver_output(deadline, final)
        except LEDGER_AWAY as error:
            log.warning("ledger_away", error=str(error.orig))
            return False

    def _deliver_events(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if not self._queue:
                self._queue.extend(self._events.read())
            if not self._queue:
                return True
            self._deliver_next()
        return False

    def _deliver_next(self) -> None:
        event = self._queue[0]
        if isinstance(event, CheckpointEvent):
            self._keep_checkpoint(event)
        elif isinstance(event, ArtifactEvent):
            uri = self._put(event)
            with self._sessions.begin() as session:
                ledger.record_artifact(session, self._lease, event, uri=uri)
        elif isinstance(event, ResultEvent):
            self.result = event
        else:
            self._record_batch()
            return
        self._queue.popleft()

    def _record_batch(self) -> None:
        recordable = takewhile(lambda event: not isinstance(event, _HAVE_OTHER_VERBS), self._queue)
        batch = list(islice(recordable, BATCH_EVENTS))
        with self._sessions.begin() as session:
            ledger.record(session, self._lease, batch)
        for event in batch:
            self._begun |= isinstance(event, ProgressEvent) and event.phase != "starting"
            self._begun |= isinstance(event, MetricEvent)
            self._queue.popleft()

    def _deliver_output(self, deadline: float, final: bool) -> bool:
        while chunk := self._output.peek(final=final):
            if time.monotonic() > deadline:
                return False
            with self._sessions.begin() as session:
                ledger.append_log(session, self._lease, offset=chunk.offset, text=chunk.text)
            self._output.advance(chunk)
        return True

    def _keep_checkpoint(self, event: CheckpointEvent) -> None:
        if self._is_republished(event):
            return
        uri = self._put(event)
        with self._sessions.begin() as session:
            unused = ledger.record_checkpoint(session, self._lease, event, uri=uri, keep=self._keep_states)
        for old in unused:
            self._store.delete(old)
        if event.kind in REPLACED_KINDS:
            self._forget_last(event)

    def _is_republished(self, event: CheckpointEvent) -> bool:
        """Whether a later event announces the same file: its bytes are then no longer this event's."""
        later = islice(self._queue, 1, None)
        return any(isinstance(other, CheckpointEvent) and other.path == event.path for other in later)

    def _forget_last(self, event: CheckpointEvent) -> None:
        """Keep no stored file of this kind on this disk but the newest."""
        newest = self._folder / event.path
        last = self._last.get(event.kind)
        if last is not None and last != newest:
            last.unlink(missing_ok=True)
        self._last[event.kind] = newest

    def _put(self, event: CheckpointEvent | ArtifactEvent) -> str:
        """Store a file under a key of this attempt and its content, whatever the run called it.

        No attempt overwrites another's file, nor deletes one that another has stored but not yet recorded.
        """
        path = self._folder / event.path
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise StorageError(f"the run announced {event.path}, which is outside its work folder")
        key = object_key(self._lease.job_id, self._lease.token, event.sha256, event.path)
        try:
            return self._store.put(path, key, event.sha256)
        except (ArtifactError, OSError) as error:
            raise StorageError(f"{event.path} could not be stored: {error}") from error


_HAVE_OTHER_VERBS = (CheckpointEvent, ArtifactEvent, ResultEvent)
