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
from workers.board import Board
from workers.supervisor import Workplace, supervise

log = structlog.get_logger(__name__)


def work(board: Board, slot: int, place: Workplace) -> int:
    """Claim and supervise jobs until none is left for this slot or the worker drains. Returns how many."""
    count = 0
    with board.at_work(slot), _terminate_means_drain(board) as terminated:
        place = replace(place, draining=lambda: board.draining or terminated.is_set())
        while not place.draining() and (found := _claim(board, slot, place)) is not None:
            claim, gpus = found
            try:
                supervise(replace(place, gpus=gpus), claim)
            finally:
                board.release(slot)
            count += 1
    return count


def _claim(board: Board, slot: int, place: Workplace) -> tuple[ledger.Claim, list[str]] | None:
    """The next job and the GPUs that are now its; None when there is none."""
    worker_id = board.worker_id
    if worker_id is None:
        return None
    try:
        with board.choosing_gpus() as free, place.sessions.begin() as session:
            claim = ledger.claim(
                session,
                worker_id,
                gpus=len(free),
                all_gpus=len(place.gpus),
                operators=place.operators,
                lease_seconds=place.settings.lease_seconds,
            )
            if claim is None:
                return None
            chosen = free[: claim.spec.resources.gpus]
            board.hold(slot, chosen)
            return claim, [place.gpus[gpu] for gpu in chosen]
    except DBAPIError as error:
        board.release(slot)
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
