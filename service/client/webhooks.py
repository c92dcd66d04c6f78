"""The client's verbs for webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from service.client.base import Answer, Page
from service.client.transport import Transport, read, segment

_HOOKS = "/api/v1/webhooks"
PUT_FIELDS = ("name", "url", "payload", "events", "experiment_id", "everyone", "enabled")


class Webhook(Answer):
    """Who is told of what. Without its secret."""

    id: str
    name: str
    url: str
    payload: str
    events: tuple[str, ...]
    experiment_id: str | None = None
    everyone: bool = False
    enabled: bool
    disabled_reason: str | None = None
    owner_key_id: str
    former_secret_until: datetime | None = None
    created_at: datetime


class NewWebhook(Webhook):
    """A webhook with the secret that signs what it is sent, told only now."""

    secret: str = Field(repr=False)


class DeliveryTry(Answer):
    """One request of a delivery."""

    started_at: datetime
    seconds: float
    status: int | None = None
    response: str | None = None
    error: str | None = None


class Delivery(Answer):
    """One event for a webhook; `body` and `tries` where it was asked for alone."""

    id: str
    webhook_id: str
    event_id: str
    event: str
    state: str
    num_attempts: int
    not_before: datetime
    created_at: datetime
    body: str | None = None
    tries: tuple[DeliveryTry, ...] = ()


class WebhookVerbs(Transport):
    """Makes, lists, changes, tries and deletes webhooks: this key's own, or an operator's all."""

    def webhooks(self) -> Sequence[Webhook]:
        """The newest first."""
        return self._get(_HOOKS, Page[Webhook]).items

    def create_webhook(
        self,
        name: str,
        url: str,
        *,
        payload: str = "json",
        events: Sequence[str] | None = None,
        experiment_id: str | None = None,
        everyone: bool = False,
    ) -> NewWebhook:
        """A new webhook. `secret` of the answer is told this once."""
        body: dict[str, Any] = {"name": name, "url": url, "payload": payload, "everyone": everyone}
        body["experiment_id"] = experiment_id
        if events is not None:
            body["events"] = list(events)
        return read(self._send("POST", _HOOKS, json=body), NewWebhook)

    def webhook(self, webhook_id: str) -> Webhook:
        """One, by its id or a unique beginning of it."""
        return self._get(_place(webhook_id), Webhook)

    def change_webhook(self, webhook_id: str, **changes: Any) -> Webhook:
        """Sets what is given, of `PUT_FIELDS`, and leaves the rest as it is."""
        known = self.webhook(webhook_id).model_dump(mode="json", include=set(PUT_FIELDS))
        return read(self._send("PUT", _place(webhook_id), json={**known, **changes}), Webhook)

    def delete_webhook(self, webhook_id: str) -> None:
        """Deletes it, with the log of its deliveries."""
        self._send("DELETE", _place(webhook_id))

    def rotate_webhook(self, webhook_id: str) -> NewWebhook:
        """Gives it a new secret; for a day the former one signs too."""
        return read(self._send("POST", f"{_place(webhook_id)}/rotate"), NewWebhook)

    def test_webhook(self, webhook_id: str) -> Delivery:
        """Has something sent to it within seconds; ask for the delivery to see how that went."""
        return read(self._send("POST", f"{_place(webhook_id)}/test"), Delivery)

    def deliveries(self, webhook_id: str, *, limit: int = 50) -> Sequence[Delivery]:
        """What it was told, the newest first."""
        return self._get(f"{_place(webhook_id)}/deliveries", Page[Delivery], {"limit": limit}).items

    def delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """One of them, with what is sent and all tries."""
        return self._get(f"{_place(webhook_id)}/deliveries/{segment(delivery_id)}", Delivery)

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Has the same sent once more."""
        place = f"{_place(webhook_id)}/deliveries/{segment(delivery_id)}/redeliver"
        return read(self._send("POST", place), Delivery)


def _place(webhook_id: str) -> str:
    return f"{_HOOKS}/{segment(webhook_id)}"
