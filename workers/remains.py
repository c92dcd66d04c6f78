"""Clears up after supervisors that were killed: their runs' processes, their jobs, their folders."""

from pathlib import Path

import structlog
from sqlalchemy.orm import Session, sessionmaker

from service.db import ledger
from workers import process, workdir

log = structlog.get_logger(__name__)


def end_orphans(root: Path) -> bool:
    """Kill what dead supervisors of this host left running; gives whether all of it is gone."""
    gone = True
    with workdir.left_behind(root) as paths:
        for path in paths:
            gone = _end(path) and gone
    return gone


def recover(root: Path, sessions: sessionmaker[Session], *, backoff_seconds: float) -> list[str]:
    """Do the same, give their jobs back to the queue and remove their folders; returns the folders' names.

    So a job whose supervisor is known to be dead need not wait for its lease to run out. One whose supervisor
    may live (its folder is locked, or on another host) is left to its lease.
    Raises DBAPIError while the ledger is away; what was left is then found again.
    """
    cleared = []
    with workdir.left_behind(root) as paths:
        for path in paths:
            if not _end(path):
                continue
            attempt = workdir.attempt_of(path)
            if attempt is not None:
                with sessions.begin() as session:
                    ledger.abandon(session, *attempt, backoff_seconds=backoff_seconds)
            workdir.clear(path)
            cleared.append(path.name)
            log.warning("cleared_up_after_a_dead_supervisor", folder=path.name)
    return cleared


def _end(path: Path) -> bool:
    try:
        process.end_all(path)
    except process.UnkillableError as error:
        log.error("unkillable", folder=path.name, error=str(error))  # noqa: TRY400 - no frame says more
        return False
    return True
