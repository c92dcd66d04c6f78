"""Webhooks and their deliveries in the database."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session, joinedload, selectinload

from service.db.leases import now
from service.db.models import ApiKey, Delivery, DeliveryTry, Job, Notice, Webhook
from service.db.pages import Page, position, read_cursor, read_position, write_cursor
from service.db.types import UtcDateTime, new_id
from service.db.upsert import upsert

PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
STATES = (PENDING, DELIVERED, FAILED)
FORMER_SECRET_LIFETIME = timedelta(hours=24)
KEEP = timedelta(days=30)
HOLD = timedelta(seconds=90)
"""Longer than a request can take: a delivery whose sender died is sent again after this."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A delivery to be made now, for the `num_attempts`-th time."""

    delivery_id: str
    webhook_id: str
    url: str
    secrets: tuple[str, ...]
    event_id: str
    body: str
    num_attempts: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a request: the status and the beginning of the answer, or the error."""

    started_at: datetime
    seconds: float
    status: int | None = None
    response: str | None = None
    error: str | None = None
    retry_after_seconds: float | None = None


def new_secret() -> str:
    """A secret in the form of Standard Webhooks: 32 random bytes."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def list_webhooks(session: Session, *, owner_key_id: str | None) -> Sequence[Webhook]:
    """Those of a key, or all, the newest first."""
    statement = select(Webhook).order_by(Webhook.created_at.desc(), Webhook.id)
    if owner_key_id is not None:
        statement = statement.where(Webhook.owner_key_id == owner_key_id)
    return session.scalars(statement).all()


def rotate(session: Session, webhook: Webhook) -> str:
    """Give it a new secret; the former one signs too for a day, so that receivers can change over."""
    webhook.former_secret, webhook.secret = webhook.secret, new_secret()
    webhook.former_until = now(session) + FORMER_SECRET_LIFETIME
    return webhook.secret


def interested(session: Session, notice: Notice, event: str) -> Sequence[Webhook]:
    """The webhooks that are to be told of this event of the notice's job; none that is newer than it."""
    job = session.get_one(Job, notice.job_id)
    mine = (Webhook.owner_key_id == job.owner_key_id) | Webhook.everyone
    about = or_(Webhook.only_experiment_id == job.experiment_id, Webhook.only_experiment_id.is_(None) & mine)
    statement = (
        select(Webhook)
        .where(_is_live(now(session)), about, Webhook.created_at <= notice.created_at)
        .order_by(Webhook.id)
    )
    return [each for each in session.scalars(statement) if event in each.events]


def add_delivery(session: Session, webhook: Webhook, *, event_id: str, event: str, body: str) -> None:
    """Have the webhook told, unless it already is of this very event."""
    moment = now(session)
    row = {
        "id": new_id(),
        "webhook_id": webhook.id,
        "event_id": event_id,
        "event": event,
        "body": body,
        "state": PENDING,
        "num_attempts": 0,
        "not_before": moment,
        "created_at": moment,
    }
    upsert(session, Delivery, [row], key=("webhook_id", "event_id"))


def delivery_of(session: Session, webhook: Webhook, event_id: str) -> Delivery:
    """The webhook's delivery of an event. Raises NoResultFound."""
    own = (Delivery.webhook_id == webhook.id, Delivery.event_id == event_id)
    return session.scalars(select(Delivery).where(*own)).one()


def list_deliveries(session: Session, webhook: Webhook, *, limit: int, cursor: str | None) -> Page[Delivery]:
    """The next deliveries after the cursor, newest first. Raises InvalidCursorError."""
    statement = select(Delivery).where(Delivery.webhook_id == webhook.id)
    if cursor is not None:
        created_at, row_id = read_position(cursor, *read_cursor(cursor, 2))
        after = tuple_(literal(created_at, UtcDateTime()), literal(row_id))
        statement = statement.where(tuple_(Delivery.created_at, Delivery.id) < after)
    ordered = statement.order_by(Delivery.created_at.desc(), Delivery.id.desc()).limit(limit + 1)
    rows = session.scalars(ordered).all()
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items=items, next_cursor=write_cursor(*position(items[-1])) if more else None)


def last_deliveries(session: Session, webhook_ids: Sequence[str], *, limit: int) -> Sequence[Delivery]:
    """The newest deliveries of these webhooks, with them and the tries."""
    statement = (
        select(Delivery)
        .where(Delivery.webhook_id.in_(webhook_ids))
        .order_by(Delivery.created_at.desc(), Delivery.id.desc())
        .limit(limit)
        .options(joinedload(Delivery.webhook), selectinload(Delivery.tries))
    )
    return session.scalars(statement).all()


def ask_again(session: Session, delivery: Delivery) -> None:
    """Have a delivery made once more, at once, with as many tries as a new one."""
    delivery.state, delivery.num_attempts, delivery.not_before = PENDING, 0, now(session)


def has_work(session: Session) -> bool:
    """Whether an end is to be told of, or a delivery is due."""
    statement = select(or_(exists(select(Notice.id)), exists(_due(now(session)).limit(1))))
    return bool(session.scalar(statement))


def claim_due(session: Session, *, limit: int) -> list[Parcel]:
    """Take the oldest due delivery of so many webhooks; nobody else takes one before `HOLD` is over."""
    moment = now(session)
    due = _due(moment)
    first = (
        due.with_only_columns(Delivery.webhook_id, func.min(Delivery.not_before))
        .group_by(Delivery.webhook_id)
        .order_by(func.min(Delivery.not_before), Delivery.webhook_id)
        .limit(limit)
    )
    webhook_ids = [row[0] for row in session.execute(first)]
    parcels = (_claim_of(session, webhook_id, moment) for webhook_id in webhook_ids)
    return [parcel for parcel in parcels if parcel is not None]


def settle(
    session: Session,
    parcel: Parcel,
    outcome: Outcome,
    *,
    state: str,
    delay_seconds: float | None,
    disabled: str | None = None,
) -> None:
    """Note what came of a try, when the next one is due, and why the webhook is told nothing more."""
    if session.get(Delivery, parcel.delivery_id) is None:
        return  # deleted with its webhook in the meantime
    note = {
        "started_at": outcome.started_at,
        "seconds": outcome.seconds,
        "status": outcome.status,
        "response": outcome.response,
        "error": outcome.error,
    }
    session.add(DeliveryTry(delivery_id=parcel.delivery_id, **note))
    values: dict[str, object] = {"state": state}
    if delay_seconds is not None:
        values["not_before"] = now(session) + timedelta(seconds=delay_seconds)
    session.execute(update(Delivery).where(Delivery.id == parcel.delivery_id).values(**values))
    if disabled is not None:
        off = {"enabled": False, "disabled_reason": disabled}
        session.execute(update(Webhook).where(Webhook.id == parcel.webhook_id).values(**off))


def forget_old(session: Session) -> None:
    """Delete deliveries that nobody asks about any more."""
    session.execute(delete(Delivery).where(Delivery.created_at < now(session) - KEEP))


def _due(moment: datetime) -> Select[str]:
    return (
        select(Delivery.id)
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .where(Delivery.state == PENDING, Delivery.not_before <= moment, _is_live(moment))
    )


def _is_live(moment: datetime) -> ColumnElement[bool]:
    """Whether the webhook is switched on, and its key still holds."""
    holds = exists().where(
        ApiKey.id == Webhook.owner_key_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > moment),
    )
    return Webhook.enabled & holds


def _claim_of(session: Session, webhook_id: str, moment: datetime) -> Parcel | None:
    oldest = (
        _due(moment)
        .with_only_columns(Delivery.id)
        .where(Delivery.webhook_id == webhook_id)
        .order_by(Delivery.not_before, Delivery.id)
        .limit(1)
    )
    taken = (
        update(Delivery)
        .where(
            Delivery.id == session.scalar(oldest), Delivery.state == PENDING, Delivery.not_before <= moment
        )
        .values(not_before=moment + HOLD, num_attempts=Delivery.num_attempts + 1)
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    )
    delivery = session.scalars(taken).one_or_none()
    if delivery is None:
        return None
    webhook = session.get_one(Webhook, webhook_id)
    former = webhook.former_secret if webhook.former_until and webhook.former_until > moment else None
    return Parcel(
        delivery_id=delivery.id,
        webhook_id=webhook.id,
        url=webhook.url,
        secrets=(webhook.secret,) if former is None else (webhook.secret, former),
        event_id=delivery.event_id,
        body=delivery.body,
        num_attempts=delivery.num_attempts,
    )
