"""Makes the deliveries that are due, several at a time, and notes what came of each."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.orm import Session, sessionmaker

from service.db import webhooks
from service.db.webhooks import DELIVERED, FAILED, PENDING, Outcome, Parcel
from service.webhooks.schedule import delay_seconds

AT_ONCE = 8
"""Each to another webhook: one that does not answer keeps only those few waiting, and not for long."""

_GONE = 410
_log = structlog.get_logger(__name__)


def deliver(
    factory: sessionmaker[Session],
    send: Callable[[Parcel], Outcome],
    *,
    draw: Callable[[], float] = random.random,
) -> int:
    """Send what is due, one of each webhook; gives how many that were.

    A parcel is taken before it is sent: of two processes one sends it, and where that dies it is sent again.
    """
    with factory.begin() as session:
        parcels = webhooks.claim_due(session, limit=AT_ONCE)
    if not parcels:
        return 0
    with ThreadPoolExecutor(max_workers=len(parcels)) as pool:
        for parcel, outcome in zip(parcels, pool.map(send, parcels), strict=True):
            _note(factory, parcel, outcome, draw)
    return len(parcels)


def _note(
    factory: sessionmaker[Session], parcel: Parcel, outcome: Outcome, draw: Callable[[], float]
) -> None:
    delay = None
    if outcome.error is None:
        state = DELIVERED
    elif outcome.status == _GONE:
        state = FAILED
    else:
        delay = delay_seconds(parcel.num_attempts, draw)
        state = FAILED if delay is None else PENDING
        if delay is not None and outcome.retry_after_seconds is not None:
            delay = max(delay, outcome.retry_after_seconds)
    disabled = "its receiver answered 410: gone for good" if outcome.status == _GONE else None
    with factory.begin() as session:
        webhooks.settle(session, parcel, outcome, state=state, delay_seconds=delay, disabled=disabled)
    _log.info(
        "webhook.sent",
        webhook_id=parcel.webhook_id,
        event_id=parcel.event_id,
        status=outcome.status,
        error=outcome.error,
        state=state,
        retry_seconds=delay,
    )
