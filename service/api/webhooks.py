"""Webhooks: who is told when jobs and experiments end, how that went, and trying it. For those who submit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from frs_core.spec.base import Name
from service.access.caller import Caller
from service.access.roles import Role
from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Cursor, Limit, Reading, Res, Resources, Writing, json_only
from service.api.problems import ProblemError, fault, invalid
from service.api.views import Page, View
from service.db import queries, webhooks
from service.db.leases import now
from service.db.models import Webhook
from service.db.notices import TEST
from service.db.types import new_id
from service.webhooks.addresses import check_address
from service.webhooks.happenings import trial
from service.webhooks.payloads import PAYLOADS

router = APIRouter(prefix="/webhooks", route_class=JsonRoute, tags=["webhooks"])
MAX_OF_ONE_KEY = 50
EventName = Literal["job.succeeded", "job.failed", "job.cancelled", "experiment.finished"]


def _distinct(events: tuple[EventName, ...]) -> tuple[EventName, ...]:
    return tuple(dict.fromkeys(events))


class WebhookWish(BaseModel):
    """Where to send what.

    `payload` is `json`, for programs, or `slack`, for people. It is told of the jobs and experiments of the
    key that makes it; with `experiment_id` of that one alone, whosever it is; with `everyone`, for operators,
    of those of all keys.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    url: str = Field(min_length=1, max_length=4000)
    payload: Literal["json", "slack"] = "json"
    events: Annotated[
        tuple[EventName, ...], Field(min_length=1, max_length=10), AfterValidator(_distinct)
    ] = (
        "job.failed",
        "experiment.finished",
    )
    experiment_id: str | None = Field(default=None, max_length=64)
    everyone: bool = False
    enabled: bool = True


class WebhookView(View):
    """A webhook without its secret. `disabled_reason` says why it was switched off, if nobody did it."""

    id: str
    name: str
    url: str
    payload: str
    events: tuple[str, ...]
    experiment_id: str | None
    everyone: bool
    enabled: bool
    disabled_reason: str | None
    owner_key_id: str
    former_secret_until: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: Webhook) -> "WebhookView":
        """The view of a row."""
        own = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        renamed = {"experiment_id": row.only_experiment_id, "former_secret_until": row.former_until}
        return cls.model_validate({**own, **renamed})


class NewWebhookView(WebhookView):
    """A webhook with its secret, which is told this once: keep it, or ask for another one."""

    secret: str


class TryView(View):
    """One request: the status and the beginning of the answer, or why there was none."""

    started_at: datetime
    seconds: float
    status: int | None
    response: str | None
    error: str | None


class DeliveryView(View):
    """An event for a webhook; `event_id` is the header `webhook-id`. Until sent it is due at `not_before`."""

    id: str
    webhook_id: str
    event_id: str
    event: str
    state: Literal["pending", "delivered", "failed"]
    num_attempts: int
    not_before: datetime
    created_at: datetime


class DeliveryDetail(DeliveryView):
    """A delivery with what is sent, and all tries of it."""

    body: str
    tries: tuple[TryView, ...]


@router.post("", status_code=201, dependencies=[Depends(json_only)])
def create_webhook(
    session: Writing, resources: Res, caller: CallerDep, wish: WebhookWish, response: Response
) -> NewWebhookView:
    """Make a webhook. Its secret is in this answer only; it signs what is sent, as Standard Webhooks say."""
    if len(webhooks.list_webhooks(session, owner_key_id=caller.key_id)) >= MAX_OF_ONE_KEY:
        message = f"this key has {MAX_OF_ONE_KEY} webhooks, which is as many as one may have: delete some"
        raise ProblemError(409, "too-many-webhooks", message)
    row = Webhook(owner_key_id=caller.key_id, secret=webhooks.new_secret())
    _set(session, resources, caller, row, wish)
    session.add(row)
    session.flush()
    response.headers["Cache-Control"] = "no-store"
    return _with_secret(row)


@router.get("")
def list_webhooks(session: Reading, caller: CallerDep) -> Page[WebhookView]:
    """This key's webhooks, the newest first; an operator's answer has those of all keys."""
    return Page(items=tuple(WebhookView.of(row) for row in visible(session, caller)))


@router.get("/{webhook_id}")
def get_webhook(session: Reading, webhook_id: str) -> WebhookView:
    """One webhook, by its id or a unique prefix of four characters or more."""
    return WebhookView.of(queries.get_webhook(session, webhook_id))


@router.put("/{webhook_id}", dependencies=[Depends(json_only)])
def replace_webhook(
    session: Writing, resources: Res, caller: CallerDep, webhook_id: str, wish: WebhookWish
) -> WebhookView:
    """Set everything of a webhook anew but its secret; one that was switched off is enabled by this too."""
    row = queries.get_webhook(session, webhook_id)
    _set(session, resources, caller, row, wish)
    session.flush()
    return WebhookView.of(row)


@router.delete("/{webhook_id}", status_code=204)
def delete_webhook(session: Writing, webhook_id: str) -> None:
    """Delete a webhook with the log of its deliveries."""
    session.delete(queries.get_webhook(session, webhook_id))


@router.post("/{webhook_id}/rotate")
def rotate_webhook_secret(session: Writing, webhook_id: str, response: Response) -> NewWebhookView:
    """Give it a new secret, told this once. For a day the former one signs too."""
    row = queries.get_webhook(session, webhook_id)
    webhooks.rotate(session, row)
    session.flush()
    response.headers["Cache-Control"] = "no-store"
    return _with_secret(row)


@router.post("/{webhook_id}/test", status_code=202)
def test_webhook(session: Writing, webhook_id: str) -> DeliveryView:
    """Have something sent to it, within seconds: ask for the delivery to see how that went."""
    row = queries.get_webhook(session, webhook_id)
    if not row.enabled:
        raise ProblemError(409, "webhook-disabled", f"{row.name} is switched off: enable it first")
    event_id = new_id()
    body = PAYLOADS[row.payload](trial(row, event_id, now(session)))
    webhooks.add_delivery(session, row, event_id=event_id, event=TEST, body=body)
    return DeliveryView.model_validate(webhooks.delivery_of(session, row, event_id))


@router.get("/{webhook_id}/deliveries")
def list_deliveries(
    session: Reading, webhook_id: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeliveryView]:
    """What it was told, or is to be, the newest first. After thirty days it is forgotten."""
    row = queries.get_webhook(session, webhook_id)
    try:
        found = webhooks.list_deliveries(session, row, limit=limit, cursor=cursor)
    except queries.InvalidCursorError as error:
        raise invalid(fault("cursor", str(error))) from error
    items = tuple(DeliveryView.model_validate(item) for item in found.items)
    return Page(items=items, next_cursor=found.next_cursor)


@router.get("/{webhook_id}/deliveries/{delivery_id}")
def get_delivery(session: Reading, webhook_id: str, delivery_id: str) -> DeliveryDetail:
    """One delivery: what is sent, and what came of each try."""
    row = queries.get_webhook(session, webhook_id)
    return DeliveryDetail.model_validate(queries.get_delivery(session, row, delivery_id))


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202)
def redeliver(session: Writing, webhook_id: str, delivery_id: str) -> DeliveryView:
    """Send the same once more, under the same `webhook-id`, as often as a new one is tried."""
    row = queries.get_webhook(session, webhook_id)
    if not row.enabled:
        raise ProblemError(409, "webhook-disabled", f"{row.name} is switched off: enable it first")
    delivery = queries.get_delivery(session, row, delivery_id)
    webhooks.ask_again(session, delivery)
    session.flush()
    return DeliveryView.model_validate(delivery)


def visible(session: Session, caller: Caller) -> Sequence[Webhook]:
    """The webhooks that a caller may see."""
    sees_all = caller.role.includes(Role.OPERATOR)
    return webhooks.list_webhooks(session, owner_key_id=None if sees_all else caller.key_id)


def _set(session: Session, resources: Resources, caller: Caller, row: Webhook, wish: WebhookWish) -> None:
    try:
        host = check_address(wish.url, resources.settings.webhook_private_hosts)
    except ValueError as error:
        raise invalid(fault("url", str(error))) from error
    if wish.everyone and not caller.role.includes(Role.OPERATOR):
        raise invalid(
            fault("everyone", "takes an operator's key: leave it out for what your own key submits")
        )
    if wish.everyone and wish.experiment_id is not None:
        raise invalid(fault("everyone", "one experiment and all of everyone: give one of them"))
    row.name, row.url, row.host = wish.name, wish.url, host[:255]
    row.payload, row.events = wish.payload, list(wish.events)
    row.everyone, row.only_experiment_id = wish.everyone, _experiment(session, wish.experiment_id)
    row.enabled, row.disabled_reason = wish.enabled, None


def _experiment(session: Session, prefix: str | None) -> str | None:
    if prefix is None:
        return None
    try:
        return queries.get_experiment(session, prefix).id
    except LookupError as error:
        raise invalid(fault("experiment_id", str(error))) from error


def _with_secret(row: Webhook) -> NewWebhookView:
    return NewWebhookView.model_validate({**WebhookView.of(row).model_dump(), "secret": row.secret})
