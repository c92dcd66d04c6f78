"""The keeper: wake-ups reach the broker whatever happens to it, and dead workers lose their jobs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, sessionmaker

from service.broker import QUEUE, make_celery, send_wakeup
from service.db.models import Event, OutboxMessage, Worker
from service.db.states import JobState
from service.db.types import utc_now
from service.jobs.relay import prune, publish
from service.settings import Settings
from tests.fixtures.brokers import RedisProcess
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit
from tests.waiting import wait_until

Sessions = sessionmaker[Session]


def _unpublished(sessions: Sessions) -> list[str]:
    with sessions() as session:
        statement = select(OutboxMessage.job_id).where(OutboxMessage.published_at.is_(None))
        return list(session.scalars(statement.order_by(OutboxMessage.id)))


def _shift_outbox(sessions: Sessions, **values: Any) -> None:
    with sessions.begin() as session:
        session.execute(update(OutboxMessage).values(**values))


@contextmanager
def _keeper(**settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {f"FRS_{name.upper()}": value for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "service.jobs.keeper"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_wakeups_are_sent_once_in_order(submit: Submit, hand: Hand, sessions: Sessions) -> None:
    first, second = submit(), submit()
    sent: list[str] = []
    assert publish(sessions, sent.append) == 2
    assert publish(sessions, sent.append) == 0
    assert sent == [hand.jobs(first)[0].id, hand.jobs(second)[0].id]


def test_a_wakeup_is_not_sent_before_its_time(submit: Submit, sessions: Sessions) -> None:
    submit()
    _shift_outbox(sessions, not_before=utc_now() + timedelta(hours=1))
    assert publish(sessions, pytest.fail) == 0
    _shift_outbox(sessions, not_before=utc_now() - timedelta(seconds=1))
    assert publish(sessions, lambda _: None) == 1


def test_what_the_broker_took_before_it_failed_is_not_sent_again(submit: Submit, sessions: Sessions) -> None:
    for _ in range(3):
        submit()
    expected = _unpublished(sessions)
    sent: list[str] = []

    def send(job_id: str) -> None:
        if len(sent) == 1:
            raise ConnectionError
        sent.append(job_id)

    with pytest.raises(ConnectionError):
        publish(sessions, send)
    assert _unpublished(sessions) == expected[1:]
    assert publish(sessions, sent.append) == 2
    assert sent == expected


def test_old_messages_are_forgotten(submit: Submit, sessions: Sessions) -> None:
    submit()
    _shift_outbox(sessions, created_at=utc_now() - timedelta(days=8))
    submit()
    with sessions.begin() as session:
        prune(session)
    with sessions() as session:
        assert len(session.scalars(select(OutboxMessage)).all()) == 1


def test_a_broker_that_comes_back_gets_what_it_missed(
    submit: Submit, sessions: Sessions, redis_process: RedisProcess
) -> None:
    submit()
    app = make_celery(Settings(broker_url=redis_process.url))
    with pytest.raises(OperationalError):
        publish(sessions, lambda job_id: send_wakeup(app, job_id))
    assert len(_unpublished(sessions)) == 1
    redis_process.start()
    assert publish(sessions, lambda job_id: send_wakeup(app, job_id)) == 1
    assert redis_process.client.llen(QUEUE) == 1


def test_the_process_relays_and_reaps_until_it_is_told_to_stop(
    submit: Submit, hand: Hand, sessions: Sessions, database_url: str, redis_url: str
) -> None:
    submit()
    lease = hand.take()
    hand.let_expire(lease)
    with sessions.begin() as session:
        session.execute(update(Worker).values(heartbeat_at=utc_now() - timedelta(hours=1)))
    settings = {"database_url": database_url, "broker_url": redis_url, "heartbeat_seconds": "0.1"}
    with _keeper(retry_backoff_seconds="0", **settings) as process, redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: hand.job(lease.job_id).state is JobState.QUEUED)
        wait_until(lambda: client.llen(QUEUE) == 2)
        with sessions() as session:
            assert session.scalars(select(Worker.state)).one() == "lost"
            assert "worker.lost" in session.scalars(select(Event.kind)).all()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output.decode()
    assert hand.claim() is not None


def test_without_a_broker_messages_stay_and_leases_still_expire(
    submit: Submit, hand: Hand, sessions: Sessions, database_url: str
) -> None:
    submit()
    lease = hand.take()
    hand.let_expire(lease)
    with _keeper(database_url=database_url, broker_url="", heartbeat_seconds="0.1") as process:
        wait_until(lambda: hand.job(lease.job_id).state is JobState.QUEUED)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(_unpublished(sessions)) == 2


def test_a_keeper_of_another_version_refuses_to_start(empty_database_url: str) -> None:
    with _keeper(database_url=empty_database_url) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"python -m migrations" in output


def test_a_keeper_whose_database_is_upgraded_ends(database_url: str, sessions: Sessions) -> None:
    with _keeper(database_url=database_url, broker_url="", heartbeat_seconds="0.1") as process:
        assert process.stdout is not None
        assert b"keeper.started" in process.stdout.readline()
        with sessions.begin() as session:
            before = session.scalar(text("SELECT version_num FROM alembic_version"))
            session.execute(text("UPDATE alembic_version SET version_num = 'zzzz'"))
        try:
            output, _ = process.communicate(timeout=30)
        finally:
            with sessions.begin() as session:
                session.execute(text("UPDATE alembic_version SET version_num = :old"), {"old": before})
    assert process.returncode == 1
    assert b"a newer version upgraded it" in output
