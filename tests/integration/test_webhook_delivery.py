"""What is to be told arrives: tried again, sent by one at a time, and forgotten when it is old."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from service.db import webhooks
from service.db.models import Delivery, DeliveryTry, Webhook
from service.db.types import utc_now
from service.webhooks.fan_out import fan_out
from service.webhooks.schedule import MAX_ATTEMPTS
from service.webhooks.sending import Sender
from tests.fixtures.ledgers import Hand
from tests.fixtures.receivers import Receiver
from tests.fixtures.submissions import Submit
from tests.fixtures.webhooks import PUBLIC_URL, MakeWebhook, TellWebhooks, work_off

Sessions = sessionmaker[Session]


@pytest.fixture
def told_of_success(make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand) -> Webhook:
    """A webhook that hears of jobs that succeeded: one has, and it was not told yet."""
    row = make_webhook(events=["job.succeeded"])
    submit_owned()
    hand.finish(hand.take())
    return row


def deliveries(sessions: Sessions) -> list[Delivery]:
    with sessions() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.id)))


def make_due(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(update(Delivery).values(not_before=utc_now() - timedelta(seconds=1)))


def test_a_failing_receiver_is_tried_later_and_later_and_then_given_up(
    told_of_success: Webhook, receiver: Receiver, tell_webhooks: TellWebhooks, sessions: Sessions
) -> None:
    receiver.status = 500
    delays = []
    for _ in range(MAX_ATTEMPTS):
        before = utc_now()
        assert tell_webhooks() == 1
        assert tell_webhooks() == 0  # not before its time
        [row] = deliveries(sessions)
        delays.append(round((row.not_before - before).total_seconds(), -1))
        make_due(sessions)
    assert delays[:-1] == [10, 40, 160, 640, 2560, 10240, 21600, 21600, 21600]
    assert deliveries(sessions)[0].state == "failed"
    assert tell_webhooks() == 0
    assert len({found.headers["webhook-id"] for found in receiver.received}) == 1
    assert len({found.body for found in receiver.received}) == 1
    assert len(receiver.received) == MAX_ATTEMPTS


def test_a_receiver_that_comes_back_gets_what_it_missed(
    told_of_success: Webhook, receiver: Receiver, tell_webhooks: TellWebhooks, sessions: Sessions
) -> None:
    receiver.status = 503
    tell_webhooks()
    receiver.status = 200
    make_due(sessions)
    assert tell_webhooks() == 1
    assert deliveries(sessions)[0].state == "delivered"
    with sessions() as session:
        tries = session.scalars(select(DeliveryTry).order_by(DeliveryTry.id)).all()
    assert [(each.status, each.error) for each in tries] == [(503, "HTTP 503"), (200, None)]


def test_gone_switches_a_webhook_off(
    told_of_success: Webhook, hand: Hand, receiver: Receiver, tell_webhooks: TellWebhooks, sessions: Sessions
) -> None:
    receiver.status = 410
    assert tell_webhooks() == 1
    hand.finish(hand.take())
    make_due(sessions)
    assert tell_webhooks() == 0
    with sessions() as session:
        found = session.get_one(Webhook, told_of_success.id)
    assert (found.enabled, "410" in (found.disabled_reason or "")) == (False, True)


def test_a_sender_that_died_before_it_noted_anything_is_followed_by_another(
    told_of_success: Webhook, receiver: Receiver, tell_webhooks: TellWebhooks, sessions: Sessions
) -> None:
    fan_out(sessions, PUBLIC_URL)

    def die(_: object) -> Any:
        Sender(private_hosts={receiver.host})(parcel)
        raise KeyboardInterrupt

    with sessions.begin() as session:
        [parcel] = webhooks.claim_due(session, limit=8)
    with pytest.raises(KeyboardInterrupt):
        die(parcel)
    assert tell_webhooks() == 0  # nobody else sends it while the first may still be at it
    make_due(sessions)
    assert tell_webhooks() == 1
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert deliveries(sessions)[0].state == "delivered"


def test_two_senders_never_take_the_same(told_of_success: Webhook, sessions: Sessions) -> None:
    fan_out(sessions, PUBLIC_URL)
    with sessions() as first:
        taken = webhooks.claim_due(first, limit=8)
        first.commit()
        with sessions() as second:
            assert webhooks.claim_due(second, limit=8) == []
    assert len(taken) == 1


def test_one_that_hangs_keeps_no_other_waiting(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, receiver: Receiver,
    tell_webhooks: TellWebhooks, sessions: Sessions,
) -> None:  # fmt: skip
    make_webhook(url=receiver.url("/slow"), events=["job.succeeded"])
    make_webhook(url=receiver.url("/quick"), events=["job.succeeded"])
    submit_owned()
    for _ in range(3):
        hand.finish(hand.take())
    fan_out(sessions, PUBLIC_URL)
    with sessions.begin() as session:
        parcels = webhooks.claim_due(session, limit=8)
    assert sorted(parcel.url.rpartition("/")[2] for parcel in parcels) == ["quick", "slow"]


def test_old_deliveries_are_forgotten(
    told_of_success: Webhook, hand: Hand, tell_webhooks: TellWebhooks, sessions: Sessions
) -> None:
    work_off(tell_webhooks)
    with sessions.begin() as session:
        session.execute(update(Delivery).values(created_at=utc_now() - timedelta(days=31)))
    hand.finish(hand.take())
    work_off(tell_webhooks)
    with sessions.begin() as session:
        webhooks.forget_old(session)
    assert len(deliveries(sessions)) == 1
