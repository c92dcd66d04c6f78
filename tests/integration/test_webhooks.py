"""Webhooks: each end is told once to whom it concerns, and signed."""

import base64
import hashlib
import hmac
import json

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from service.access.roles import Role
from service.db import api_keys, control, ledger, webhooks
from service.db.models import ApiKey, Delivery, DeliveryTry, Experiment, Job, Notice, Webhook
from service.db.states import AttemptState
from service.db.types import utc_now
from tests.fixtures.ledgers import Hand
from tests.fixtures.receivers import Receiver
from tests.fixtures.submissions import Submit
from tests.fixtures.webhooks import PUBLIC_URL, MakeWebhook, TellWebhooks, work_off

Sessions = sessionmaker[Session]


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks, written anew from the specification."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(text, wanted) for version, text in given)


def events(receiver: Receiver) -> list[str]:
    return [json.loads(found.body)["type"] for found in receiver.received]


def test_every_end_is_told_once_with_a_signature_that_others_can_verify(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, receiver: Receiver,
    tell_webhooks: TellWebhooks, sessions: Sessions,
) -> None:  # fmt: skip
    row, experiment_id = make_webhook(), submit_owned()
    hand.finish(hand.take())
    work_off(tell_webhooks)
    assert events(receiver) == ["job.succeeded"]
    hand.fail(hand.take())
    hand.finish(hand.take())
    work_off(tell_webhooks)
    work_off(tell_webhooks)
    assert sorted(events(receiver)) == ["experiment.finished", "job.failed", "job.succeeded", "job.succeeded"]
    for found in receiver.received:
        assert verify(row.secret, found.headers, found.body)
        assert not verify(webhooks.new_secret(), found.headers, found.body)
        assert not verify(row.secret, {**found.headers, "webhook-timestamp": "1"}, found.body)
        assert not verify(row.secret, found.headers, found.body + b" ")
    assert len({found.headers["webhook-id"] for found in receiver.received}) == 4
    by_type = {json.loads(found.body)["type"]: json.loads(found.body) for found in receiver.received}
    failed = by_type["job.failed"]["data"]
    assert (failed["job"]["state"], failed["job"]["reason"]) == ("failed", "it broke")
    assert failed["job"]["url"] == f"{PUBLIC_URL}/jobs/{failed['job']['id']}"
    assert failed["experiment"]["url"] == f"{PUBLIC_URL}/experiments/{experiment_id}"
    finished = by_type["experiment.finished"]["data"]["experiment"]
    assert (finished["id"], finished["state"]) == (experiment_id, "failed")
    assert finished["job_states"] == {"failed": 1, "succeeded": 2}
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 0


def test_an_end_that_is_taken_back_leaves_no_word(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, sessions: Sessions
) -> None:
    make_webhook()
    submit_owned()
    lease = hand.take()
    with sessions() as session:
        ledger.finish(session, lease, ledger.Ending(state=AttemptState.SUCCEEDED))
        session.rollback()
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 0
    hand.finish(lease)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 1


def test_an_experiment_that_goes_on_and_finishes_again_is_told_of_again(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, receiver: Receiver,
    tell_webhooks: TellWebhooks, sessions: Sessions,
) -> None:  # fmt: skip
    make_webhook(events=["experiment.finished"])
    submit_owned(methods=["none"])
    lease = hand.take()
    hand.fail(lease)  # the student is blocked by that
    work_off(tell_webhooks)
    assert events(receiver) == ["experiment.finished"]
    with sessions.begin() as session:
        control.request_resume(session, lease.job_id)
    for _ in range(2):
        hand.finish(hand.take())
    work_off(tell_webhooks)
    states = [json.loads(found.body)["data"]["experiment"]["state"] for found in receiver.received]
    assert states == ["failed", "succeeded"]


def test_whom_an_end_concerns(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, receiver: Receiver,
    tell_webhooks: TellWebhooks, sessions: Sessions,
) -> None:  # fmt: skip
    first, second = submit_owned(), submit_owned()
    with sessions.begin() as session:
        other = api_keys.create_key(session, name="eve", role=Role.OPERATOR)[0].id
        session.execute(update(Job).where(Job.experiment_id == second).values(owner_key_id=other))
        ended = api_keys.create_key(session, name="gone", role=Role.OPERATOR)[0].id
        session.execute(update(ApiKey).where(ApiKey.id == ended).values(revoked_at=utc_now()))
    paths = {
        "/mine": {}, "/first": {"only_experiment_id": first, "owner_key_id": other},
        "/all": {"everyone": True, "owner_key_id": other}, "/others": {"owner_key_id": other},
        "/off": {"enabled": False}, "/revoked": {"everyone": True, "owner_key_id": ended},
        "/only-success": {"events": ["job.succeeded"]}, "/second": {"only_experiment_id": second},
    }  # fmt: skip
    for path, columns in paths.items():
        make_webhook(url=receiver.url(path), **columns)
    with sessions.begin() as session:
        control.cancel_experiment(session, first)
    make_webhook(url=receiver.url("/late"))
    work_off(tell_webhooks)
    told = {found.path for found in receiver.received}
    assert told == {"/mine", "/first", "/all"}
    assert {json.loads(found.body)["type"] for found in receiver.received} == {
        "job.cancelled",
        "experiment.finished",
    }


def test_slack_gets_a_sentence(
    make_webhook: MakeWebhook, submit_owned: Submit, receiver: Receiver,
    tell_webhooks: TellWebhooks, sessions: Sessions,
) -> None:  # fmt: skip
    experiment_id = submit_owned()
    make_webhook(payload="slack", events=["experiment.finished"])
    with sessions.begin() as session:
        control.cancel_experiment(session, experiment_id)
    work_off(tell_webhooks)
    [found] = receiver.received
    assert json.loads(found.body) == {
        "text": f"<{PUBLIC_URL}/experiments/{experiment_id}|small> has finished (3 cancelled)."
    }


def test_deleting_takes_what_hangs_on_it(
    make_webhook: MakeWebhook, submit_owned: Submit, hand: Hand, tell_webhooks: TellWebhooks,
    sessions: Sessions,
) -> None:  # fmt: skip
    row, experiment_id = make_webhook(), submit_owned()
    make_webhook(only_experiment_id=experiment_id)
    hand.finish(hand.take())
    work_off(tell_webhooks)
    hand.finish(hand.take())
    with sessions.begin() as session:
        session.delete(session.get_one(Webhook, row.id))
        session.delete(session.get_one(Experiment, experiment_id))
    with sessions() as session:
        for table in (Webhook, Delivery, DeliveryTry, Notice):
            assert session.scalar(select(func.count()).select_from(table)) == 0
