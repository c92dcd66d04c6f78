"""What a pool process does when woken: take the best job there is, see it through, and look for the next."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog
from sqlalchemy.exc import DBAPIError

from service.db import ledger
from service.db.engine import SchemaMismatchError, check_revision
from service.telemetry.logs import bound_contextvars
from workers.board import Board
from workers.device_locks import let_go, take
from workers.supervisor import supervise
from workers.workplace import Workplace

log = structlog.get_logger(__name__)


def work(board: Board, slot: int, place: Workplace) -> int:
    """Claim and supervise jobs until none is left for this slot or the worker drains. Returns how many."""
    count = 0
    with (
        board.at_work(slot),
        bound_contextvars(worker=board.worker_id),
        _terminate_means_drain(board) as terminated,
    ):
        place = replace(place, draining=lambda: board.draining or terminated.is_set())
        while not place.draining() and (found := _claim(board, slot, place)) is not None:
            claim, gpus, locks = found
            try:
                device_locks = tuple(locks.values())
                supervise(replace(place, gpus=gpus, device_locks=device_locks), claim)
            finally:
                let_go(locks)
                board.release(slot)
            count += 1
    return count


def _claim(
    board: Board, slot: int, place: Workplace
) -> tuple[ledger.Claim, list[str], dict[int, int]] | None:
    """The next job, the GPUs that are now its and their locks; None when there is none."""
    if board.worker_id is None or board.closed:
        return None
    try:
        return _choose(board, board.worker_id, slot, place)
    except SchemaMismatchError as error:
        log.critical("schema_mismatch", message=str(error))
        board.closed = True
        return None


def _choose(
    board: Board, worker_id: str, slot: int, place: Workplace
) -> tuple[ledger.Claim, list[str], dict[int, int]] | None:
    with board.choosing_gpus() as free:
        locks = take(place.gpus, free)
        try:
            claim = _claim_for(worker_id, place, len(locks))
        except SchemaMismatchError:
            let_go(locks)
            raise
        chosen = sorted(locks)[: claim.spec.resources.gpus] if claim is not None else []
        let_go({gpu: lock for gpu, lock in locks.items() if gpu not in chosen})
        if claim is None:
            return None
        board.hold(slot, chosen)
        return claim, [place.gpus[gpu] for gpu in chosen], {gpu: locks[gpu] for gpu in chosen}


def _claim_for(worker_id: str, place: Workplace, num_gpus: int) -> ledger.Claim | None:
    """Raises SchemaMismatchError, with nothing claimed, where the database is another version's by now."""
    try:
        with place.sessions.begin() as session:
            claim = ledger.claim(
                session,
                worker_id,
                gpus=num_gpus,
                all_gpus=len(place.gpus),
                operators=place.operators,
                lease_seconds=place.settings.lease_seconds,
            )
            # Behind the claim, which waits for a migration under way: then it sees what that has made.
            check_revision(session.connection())
            return claim
    except DBAPIError as error:
        log.warning("claim_failed", error=str(error.orig))
        return None


@contextmanager
def _terminate_means_drain(board: Board) -> Iterator[threading.Event]:
    """While a job is in hand, TERM hands it back first; then it means what it did before.

    Where the whole worker drains, its main process ends this one in good order.
    """
    terminated = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    try:
        yield terminated
    finally:
        signal.signal(signal.SIGTERM, previous)
        if terminated.is_set() and not board.draining:
            os.kill(os.getpid(), signal.SIGTERM)
