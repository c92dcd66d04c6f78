"""Watches a child until it has ended, and stops it when somebody wants that or its time is over."""

import socket
import time

import structlog

from service.db import ledger
from service.db.states import DesiredState
from workers import process
from workers.child_log import ChildLog
from workers.deadlines import Deadlines
from workers.delivery import LEDGER_AWAY, Delivery
from workers.endings import StopCause
from workers.heart import Heart
from workers.workplace import Workplace

TICK_SECONDS = 0.5

log = structlog.get_logger(__name__)


def watch(
    place: Workplace,
    lease: ledger.Lease,
    child: process.Child,
    delivery: Delivery,
    child_log: ChildLog,
    *,
    heart: Heart,
    deadlines: Deadlines,
) -> tuple[StopCause | None, ledger.Ending | None]:
    """Until the child has ended: deliver, and stop it when it must.

    Returns why it was stopped, if it was: what somebody wanted, and the limit of time that it passed.
    """
    cause: StopCause | None = None
    overdue: ledger.Ending | None = None
    deadline = float("inf")
    recorded = False
    while not child.wait(TICK_SECONDS):
        heart.check()
        recorded = recorded or _record_process(place, lease, child)
        delivery.deliver()
        child_log.forward()
        wanted = _stop_cause(place, heart)
        late = None if overdue else deadlines.passed(delivery.sign())
        if (wanted is not None or late is not None) and cause is None and overdue is None:
            log.info("stopping_child", cause=wanted or (late and late.code))
            deadline = time.monotonic() + place.settings.grace_seconds
            child.terminate()
        cause, overdue = wanted or cause, overdue or late
        if time.monotonic() > deadline:
            log.warning("killing_child", grace_seconds=place.settings.grace_seconds)
            child.kill()
    return cause, overdue


def _stop_cause(place: Workplace, heart: Heart) -> StopCause | None:
    if heart.desired is DesiredState.CANCEL:
        return StopCause.CANCEL
    if heart.desired is DesiredState.PAUSE:
        return StopCause.PAUSE
    return StopCause.DRAIN if place.draining() else None


def _record_process(place: Workplace, lease: ledger.Lease, child: process.Child) -> bool:
    try:
        with place.sessions.begin() as session:
            ledger.record_process(
                session,
                lease,
                host=socket.gethostname(),
                pid=child.pid,
                process_started_at=child.started_at,
            )
    except LEDGER_AWAY:
        return False
    return True
