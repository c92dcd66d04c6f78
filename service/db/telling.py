"""How webhooks and mirrors keep up, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from service.db.models import Delivery, DeliveryTry, MlflowRun, Notice, Webhook
from service.db.types import UtcDateTime

OUTCOMES = ("delivered", "refused", "unreachable")
"""What comes of a request: an answer that is well, one that is not, or none."""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Recent requests by outcome; what is due, and since when; runs that a mirror does not take."""

    tries: Mapping[str, int]
    due: int
    lag_seconds: float
    failing_runs: int


def take_telling(session: Session, moment: datetime, since: datetime) -> Telling:
    """The numbers as of a moment, requests since another."""
    outcome = case(
        (DeliveryTry.status.is_(None), "unreachable"),
        (DeliveryTry.error.is_(None), "delivered"),
        else_="refused",
    )
    tries = select(outcome, func.count()).where(DeliveryTry.started_at > since).group_by(outcome)
    # Spelled out for the partial index ix_deliveries_due.
    due = (
        select(func.count(), func.min(Delivery.not_before, type_=UtcDateTime()))
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .where(text("deliveries.state = 'pending'"), Delivery.not_before <= moment, Webhook.enabled)
    )
    number, oldest = session.execute(due).one()
    untold = session.scalar(select(func.min(Notice.created_at, type_=UtcDateTime())))
    waiting = [each for each in (oldest, untold) if each is not None]
    failing = select(func.count()).select_from(MlflowRun).where(MlflowRun.error.is_not(None))
    return Telling(
        tries={row[0]: row[1] for row in session.execute(tries)},
        due=number,
        lag_seconds=max(0.0, (moment - min(waiting)).total_seconds()) if waiting else 0.0,
        failing_runs=session.scalar(failing) or 0,
    )
