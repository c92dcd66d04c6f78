"""Wake-ups on their way to the broker."""

import base64
import json
import time
from pathlib import Path

import pytest
import redis
from kombu.exceptions import OperationalError

from service.broker import QUEUE, WAKE_TASK, make_celery, send_wakeup
from service.settings import Settings
from tests.fixtures.brokers import RedisProcess


def test_a_wake_up_is_json_that_names_the_task_and_the_job(redis_url: str) -> None:
    send_wakeup(make_celery(Settings(broker_url=redis_url)), "0123456789abcdef")
    with redis.Redis.from_url(redis_url) as client:
        message = json.loads(client.lindex(QUEUE, 0) or b"")
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == WAKE_TASK
    assert json.loads(base64.b64decode(message["body"]))[0] == ["0123456789abcdef"]


def test_a_broker_on_a_unix_socket_is_reached(redis_process: RedisProcess) -> None:
    redis_process.start()
    send_wakeup(make_celery(Settings(broker_url=redis_process.url)), "any")
    assert redis_process.client.llen(QUEUE) == 1


@pytest.mark.parametrize("scheme", ["redis", "redis+socket"])
def test_a_broker_that_is_away_is_an_error_within_seconds(scheme: str, tmp_path: Path) -> None:
    url = "redis://127.0.0.1:1/0" if scheme == "redis" else f"redis+socket://{tmp_path / 'none.sock'}"
    began = time.monotonic()
    with pytest.raises(OperationalError):
        send_wakeup(make_celery(Settings(broker_url=url)), "any")
    assert time.monotonic() - began < 10


def test_without_a_broker_a_wake_up_is_heard_by_nobody_and_harms_nobody() -> None:
    send_wakeup(make_celery(Settings(broker_url="")), "any")
