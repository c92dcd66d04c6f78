"""Two API processes and two keepers on one database: whoever is asked, the answer is the same."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import redis
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from service.broker import QUEUE
from service.db.engine import create_engine, session_factory, upgrade
from service.db.leadership import Leadership
from service.db.models import Experiment, OutboxMessage, StandingFacet
from service.settings import Settings
from tests.fixtures.brokers import temporary_redis
from tests.fixtures.databases import temporary_database
from tests.fixtures.server import AS_ADMIN, admit_tester, serving
from tests.waiting import wait_until

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Pair:
    """Two servers and two keepers; `folder` has the keepers' logs."""

    urls: tuple[str, str]
    keepers: tuple["subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]
    sessions: sessionmaker[Session]
    broker_url: str
    folder: Path

    def num_queued(self) -> int:
        """Wake-ups that the broker has."""
        with redis.Redis.from_url(self.broker_url) as client:
            return int(client.llen(QUEUE))

    def leader(self) -> int | None:
        """The number of the keeper that leads."""
        logs = [(self.folder / f"keeper{number}.log").read_text() for number in (0, 1)]
        leads = [number for number, log in enumerate(logs) if "keeper.leads" in log]
        return leads[0] if leads else None


@pytest.fixture(scope="module")
def pair(
    postgresql_server: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        url = stack.enter_context(temporary_database(postgresql_server))
        broker = stack.enter_context(temporary_redis(redis_server))
        upgrade(url)
        admit_tester(url)
        keepers = tuple(stack.enter_context(_keeper(url, broker, folder, number)) for number in (0, 1))
        settings = Settings(data_dir=folder, database_url=url, broker_url="", artifacts_url="")
        for name in ("first", "second"):
            (folder / name).mkdir()
        servers = [serving(settings, folder / name) for name in ("first", "second")]
        urls = at_once(*(lambda server=server: stack.enter_context(server) for server in servers))
        engine = create_engine(url)
        yield Pair((urls[0], urls[1]), keepers, session_factory(engine), broker, folder)
        engine.dispose()


class _keeper:
    def __init__(self, url: str, broker: str, folder: Path, number: int) -> None:
        settings = {"DATABASE_URL": url, "BROKER_URL": broker, "DATA_DIR": str(folder)}
        environment = os.environ | {f"FRS_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "service.jobs.keeper"]
        with (folder / f"keeper{number}.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def __enter__(self) -> "subprocess.Popen[bytes]":
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def at_once(*asks: Callable[[], ResultT]) -> list[ResultT]:
    """What they give, begun together."""
    barrier, given = threading.Barrier(len(asks)), {}

    def ask(number: int) -> None:
        barrier.wait()
        given[number] = asks[number]()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [given[number] for number in range(len(asks))]


@pytest.fixture
def submit(pair: Pair, experiment_body: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Submits through one of the servers; gives the experiment."""

    def submit(server: int, key: str | None = None) -> dict[str, Any]:
        headers = AS_ADMIN | ({"Idempotency-Key": key} if key else {})
        url = f"{pair.urls[server]}/api/v1/experiments"
        answer = httpx.post(url, json=experiment_body, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return submit


def test_a_first_list_asked_of_both_at_once_is_filled_once_and_alike(pair: Pair, submit: Any) -> None:
    for _ in range(8):
        submit(0)
    lists = at_once(
        *(
            lambda url=url: httpx.get(f"{url}/api/v1/experiments", headers=AS_ADMIN, timeout=30)
            for url in pair.urls
        )
    )
    assert [answer.status_code for answer in lists] == [200, 200]
    first, second = ([item["id"] for item in answer.json()["items"]] for answer in lists)
    assert first == second
    assert len(set(first)) == 8
    with pair.sessions() as session:
        facets = session.execute(
            select(StandingFacet.experiment_id, StandingFacet.kind, StandingFacet.value)
        ).all()
        assert len(facets) == len(set(facets)) > 0


def test_one_key_sent_to_both_at_once_makes_one_experiment(pair: Pair, submit: Any) -> None:
    with pair.sessions() as session:
        before = session.scalar(select(func.count()).select_from(Experiment))
    for number in range(5):
        key = f"key {number}"
        first, second = at_once(partial(submit, 0, key), partial(submit, 1, key))
        assert first["id"] == second["id"]
    with pair.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Experiment)) == before + 5


def test_a_stream_of_one_server_tells_what_is_done_through_the_other(pair: Pair, submit: Any) -> None:
    made = submit(0)
    with httpx.stream("GET", f"{pair.urls[0]}/api/v1/events", headers=AS_ADMIN, timeout=30) as stream:
        lines = stream.iter_lines()
        assert any(line.startswith("id:") for line in lines)
        url = f"{pair.urls[1]}/api/v1/experiments/{made['id']}/cancel"
        httpx.post(url, headers=AS_ADMIN, timeout=30).raise_for_status()
        told = (json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:"))
        assert any(
            event["experiment_id"] == made["id"] and event["data"].get("to") == "cancelled" for event in told
        )


def test_a_report_asked_for_at_both_in_turn_ends_with_the_same_bytes(pair: Pair, submit: Any) -> None:
    path = f"/api/v1/experiments/{submit(1)['id']}/report?format=zip&wait=0"
    answers: list[httpx.Response] = []
    servers = cycle(pair.urls)

    def both_are_done() -> bool:
        answers.append(httpx.get(next(servers) + path, headers=AS_ADMIN, timeout=60))
        return [answer.status_code for answer in answers[-2:]] == [200, 200]

    wait_until(both_are_done)
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert answers[-1].content == answers[-2].content


def test_each_wake_up_is_sent_once_and_a_killed_keeper_is_followed_within_seconds(
    pair: Pair, submit: Any
) -> None:
    leader = wait_until(lambda: None if pair.leader() is None else (pair.leader(),))[0]
    _all_sent(pair)
    with pair.sessions() as session:
        assert pair.num_queued() == session.scalar(select(func.count()).select_from(OutboxMessage))
    pair.keepers[leader].kill()
    before = pair.num_queued()
    submit(0)
    wait_until(lambda: pair.num_queued() == before + 1, seconds=10)
    _all_sent(pair)
    assert "keeper.leads" in (pair.folder / f"keeper{1 - leader}.log").read_text()


def _all_sent(pair: Pair) -> None:
    def none_is_left() -> bool:
        with pair.sessions() as session:
            unsent = select(OutboxMessage.id).where(OutboxMessage.published_at.is_(None))
            return session.scalars(unsent).first() is None

    wait_until(none_is_left)


def test_one_leads_until_it_gives_up_or_its_connection_is_lost(database: Engine) -> None:
    first, second = Leadership(database), Leadership(database)
    assert (first.renew(), second.renew(), first.renew()) == (True, False, True)
    first.give_up()
    assert (second.renew(), first.renew()) == (True, False)
    second.give_up()
    first.give_up()
