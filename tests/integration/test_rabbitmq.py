"""RabbitMQ as the broker: wake-ups wait in a quorum queue, and jobs run whatever becomes of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from service.broker import QUEUE, WAKE_TASK, make_celery, send_wakeup
from service.db.models import Job, OutboxMessage
from service.db.states import JobState
from service.settings import Settings
from tests.fixtures.rabbit import RabbitProcess
from tests.fixtures.workplaces import SubmitMiniature
from tests.waiting import wait_until

NEVER = "3600"
ID = "0123456789abcdef"


def test_a_wake_up_waits_in_a_quorum_queue(rabbitmq: RabbitProcess) -> None:
    send_wakeup(make_celery(Settings(broker_url=rabbitmq.url)), ID)
    with rabbitmq.channel() as channel, pytest.raises(amqp.PreconditionFailed, match="quorum"):
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    with rabbitmq.channel() as channel:
        message = channel.basic_get(QUEUE)
        channel.basic_ack(message.delivery_tag)
    assert message.headers["task"] == WAKE_TASK
    assert json.loads(message.body)[0] == [ID]


def test_a_broker_that_does_not_confirm_is_an_error_within_seconds(rabbitmq: RabbitProcess) -> None:
    app = make_celery(Settings(broker_url=rabbitmq.url))
    send_wakeup(app, ID)
    rabbitmq.stall(30)
    began = time.monotonic()
    with pytest.raises((OSError, OperationalError)):
        send_wakeup(app, ID)
    assert time.monotonic() - began < 20
    rabbitmq.resume()
    wait_until(lambda: _is_sent(app))


def test_a_queue_of_another_kind_is_named_with_the_remedy(rabbitmq: RabbitProcess) -> None:
    with rabbitmq.channel() as channel:
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    # Under another name for the same address: the pooled connections of the tests before know their queue.
    url = rabbitmq.url.replace("amqp://", "pyamqp://")
    with pytest.raises(OperationalError, match="rabbitmqctl delete_queue frs"):
        send_wakeup(make_celery(Settings(broker_url=url)), ID)


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """PostgreSQL: what is tested does not depend on it."""
    return postgresql_url


@pytest.fixture
def environment(
    repo_root: Path, database_url: str, quick_settings: Settings, rabbitmq: RabbitProcess
) -> dict[str, str]:
    """Of a keeper and a worker that does nothing without being woken."""
    quick = quick_settings.model_dump(exclude_unset=True)
    chosen = {**quick, "database_url": database_url, "broker_url": rabbitmq.url, "poll_seconds": NEVER}
    named = {f"FRS_{name.upper()}": str(value) for name, value in chosen.items()}
    return {**os.environ, **named, "PYTHONPATH": str(repo_root)}


@pytest.fixture
def worker_and_keeper(repo_root: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """Run while the test does, and go in good order."""
    commands = [[str(repo_root / "tests" / "miniature" / "worker.py")], ["-m", "service.jobs.keeper"]]
    with (tmp_path / "log").open("wb") as log:
        started = [
            subprocess.Popen([sys.executable, *command], env=environment, stdout=log, stderr=log)
            for command in commands
        ]
    yield
    for process in started:
        process.terminate()
    try:
        assert [process.wait(20) for process in started] == [0, 0]
    finally:
        sys.stdout.write((tmp_path / "log").read_text())  # shown where the test failed
        for process in started:
            process.kill()


@pytest.mark.usefixtures("worker_and_keeper")
def test_jobs_are_relayed_and_run_before_and_after_the_broker_was_killed(
    rabbitmq: RabbitProcess, sessions: sessionmaker[Session], submit_miniature: SubmitMiniature
) -> None:
    first = submit_miniature(steps=5)
    wait_until(lambda: _state(sessions, first) is JobState.SUCCEEDED)
    assert rabbitmq.num_messages() == 0
    rabbitmq.stop()
    second = submit_miniature(steps=5)
    rabbitmq.start()
    wait_until(lambda: _state(sessions, second) is JobState.SUCCEEDED, seconds=120)
    wait_until(lambda: rabbitmq.num_messages() == 0)
    with sessions() as session:
        unsent = select(OutboxMessage).where(OutboxMessage.published_at.is_(None))
        assert session.scalars(unsent).all() == []
    # nothing was made but the queue itself
    with rabbitmq.channel() as channel, pytest.raises(amqp.NotFound):
        channel.queue_declare("celery_delayed_0", passive=True)


def test_a_worker_says_which_queue_is_in_its_way_and_ends(
    rabbitmq: RabbitProcess, repo_root: Path, environment: dict[str, str]
) -> None:
    with rabbitmq.channel() as channel:
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    command = [sys.executable, str(repo_root / "tests" / "miniature" / "worker.py")]
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 78
    assert b"rabbitmqctl delete_queue frs" in ended.stdout + ended.stderr


def _is_sent(app: object) -> bool:
    try:
        send_wakeup(app, ID)
    except (OSError, OperationalError):
        return False
    return True


def _state(sessions: sessionmaker[Session], job_id: str) -> JobState:
    with sessions() as session:
        return session.get_one(Job, job_id).state
