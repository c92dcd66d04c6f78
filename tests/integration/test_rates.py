"""How often one may ask: by key, by address, and with keys that are wrong; counted for all processes."""

import time
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from service.api.authentication import identify
from tests.fixtures.callers import ClientOf, MakeCaller, key_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.fixtures.brokers import RedisProcess

EXPERIMENTS = "/api/v1/experiments"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the kind of database."""
    return sqlite_url


@pytest.fixture(autouse=True)
def _well_within_a_minute() -> None:
    """What was asked in one minute of the clock counts less in the next."""
    wait_until(lambda: time.time() % 60 < 50, seconds=15)


def test_a_key_asks_so_often_a_minute_and_is_told_how_often(
    client_of: ClientOf, make_caller: MakeCaller
) -> None:
    busy, calm = make_caller("busy", requests_per_minute=3), make_caller("calm")
    client = client_of(busy, requests_per_minute=1000)
    answers = [client.get(EXPERIMENTS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].split(";")[:2] for answer in answers] == [
        ['"key"', f"r={left}"] for left in (2, 1, 0, 0)
    ]
    refused = answers[-1]
    assert refused.headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["type"].endswith(":too-many-requests")
    assert client.get("/healthz").status_code == client.get("/static/style.css").status_code == 200
    assert client_of(calm, requests_per_minute=1000).get(EXPERIMENTS).status_code == 200


def test_who_has_no_key_is_counted_by_address(client_of: ClientOf) -> None:
    client = client_of(requests_per_minute=2)
    told = {"X-Forwarded-For": "203.0.113.9"}
    answers = [client.get("/login", headers=told if number == 2 else {}) for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"address";q=2;w=60'


def test_readiness_is_free_for_the_same_machine_alone(client_of: ClientOf) -> None:
    from fastapi.testclient import TestClient

    client = client_of(requests_per_minute=2)
    assert [client.get("/readyz").status_code for _ in range(3)] == [200, 200, 429]
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        local = TestClient(client.app, client=(address, 50000))
        assert [local.get("/readyz").status_code for _ in range(3)] == [200, 200, 200]


def test_keys_cannot_be_guessed_quickly(
    client_of: ClientOf, make_caller: MakeCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(resources: Any, headers: Any) -> None:
        tried.append(1)
        return identify(resources, headers)  # type: ignore[return-value]

    monkeypatch.setattr("service.api.admission.identify", refuse)
    client, right = client_of(failed_logins_per_minute=3), key_of(make_caller())
    wrong = {"Authorization": right["Authorization"][:-22] + "A" * 22}
    found = [client.get(EXPERIMENTS, headers=wrong).status_code for _ in range(5)]
    assert found == [401, 401, 401, 429, 429]
    assert client.get(EXPERIMENTS, headers=right).status_code == 429, "the right key is looked at no sooner"
    assert len(tried) == 3
    assert client.get("/login").status_code == 200, "who tries no key guesses nothing"


def test_processes_share_a_count_and_redis_may_go_away(
    client_of: ClientOf, make_caller: MakeCaller, redis_process: "RedisProcess"
) -> None:
    redis_process.start()
    ada = make_caller()
    one, other = (client_of(ada, broker_url=redis_process.url, requests_per_minute=4) for _ in range(2))
    found = [client.get(EXPERIMENTS).status_code for client in (one, other, one, other, one, other)]
    assert found == [200, 200, 200, 200, 429, 429]
    redis_process.stop()
    with capture_logs() as logs:
        assert [one.get(EXPERIMENTS).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    assert [line["log_level"] for line in logs if line["event"] == "rates.redis_away"] == ["warning"]
