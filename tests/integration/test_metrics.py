"""/metrics against databases in known states, on both engines."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import MetricEvent, ProgressEvent
from service.api.app import create_app
from service.artifacts import ArtifactError
from service.db import ledger
from service.db.census import take_census
from service.db.models import Attempt, Job, OutboxMessage, Worker
from service.db.types import utc_now
from service.jobs.chores import Chore
from service.jobs.diary import note_chores
from service.settings import Settings
from service.telemetry.families import FAMILIES
from tests.fixtures.ledgers import Hand
from tests.fixtures.server import AS_ADMIN
from tests.fixtures.submissions import Submit

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

Sessions = sessionmaker[Session]
Values = dict[tuple[str, tuple[str, ...]], float]
Scrape = Callable[[], Values]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a broker, which nobody connects to: what is not relayed shows."""
    return settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})


@pytest.fixture
def api(settings: Settings) -> Iterator["TestClient"]:
    """A client of an application whose counters nobody has moved yet."""
    from fastapi.testclient import TestClient

    with TestClient(create_app(settings), raise_server_exceptions=False, headers=AS_ADMIN) as client:
        yield client


@pytest.fixture
def scrape(api: "TestClient", monkeypatch: pytest.MonkeyPatch) -> Scrape:
    """What Prometheus would read now, by name and the values of the labels in the order of their names."""
    monkeypatch.setattr("service.telemetry.collector.CACHE_SECONDS", 0.0)

    def read() -> Values:
        answer = api.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return {
            (sample.name, tuple(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return read


def _set(sessions: Sessions, table: type[Any], **values: Any) -> None:
    with sessions.begin() as session:
        session.execute(update(table).values(**values))


def test_jobs_queue_and_relay(scrape: Scrape, submit: Submit, hand: Hand, sessions: Sessions) -> None:
    submit()
    early = utc_now() - timedelta(seconds=100)
    _set(sessions, Job, queued_at=early)
    _set(sessions, OutboxMessage, created_at=early)
    found = scrape()
    assert found["frs_jobs", ("train", "queued")] == 1
    assert found["frs_jobs", ("distill", "waiting")] == 2
    assert 100 <= found["frs_jobs_oldest_seconds", ("train", "queued")] < 160
    assert found["frs_relay_unsent", ()] == 1
    assert 100 <= found["frs_relay_lag_seconds", ()] < 160
    hand.finish(hand.take())
    _set(sessions, OutboxMessage, published_at=utc_now())
    found = scrape()
    assert found["frs_jobs", ("train", "succeeded")] == 1
    assert ("frs_jobs_oldest_seconds", ("train", "succeeded")) not in found
    assert (found["frs_relay_unsent", ()], found["frs_relay_lag_seconds", ()]) == (0, 0)


def test_a_delayed_wakeup_is_not_late(scrape: Scrape, submit: Submit, sessions: Sessions) -> None:
    submit()
    _set(sessions, OutboxMessage, not_before=utc_now() + timedelta(seconds=600))
    assert scrape()["frs_relay_unsent", ()] == 0


def test_claims_leases_and_how_attempts_end(
    scrape: Scrape, submit: Submit, hand: Hand, sessions: Sessions
) -> None:
    submit()
    hand.let_expire(hand.take())
    _set(sessions, Attempt, heartbeat_at=utc_now() - timedelta(seconds=100))
    found = scrape()
    assert found["frs_claims_recent", ()] == 1
    assert found["frs_attempts_running", ()] == found["frs_leases_expired", ()] == 1
    assert 100 <= found["frs_lease_silence_seconds", ()] < 160
    [job_id] = hand.reap()
    hand.skip_delay(job_id)
    hand.finish(hand.take(), state="failed", code="made up by a run", reason="", retry=False)
    found = scrape()
    assert found["frs_attempt_endings_recent", ("lost", "lease_lost")] == 1
    assert found["frs_attempt_endings_recent", ("failed", "other")] == 1
    assert found["frs_claims_recent", ()] == 2
    assert found["frs_attempts_running", ()] == found["frs_leases_expired", ()] == 0
    _set(
        sessions, Attempt, started_at=utc_now() - timedelta(hours=1), ended_at=utc_now() - timedelta(hours=1)
    )
    found = scrape()
    assert found["frs_claims_recent", ()] == 0
    assert not [labels for name, labels in found if name == "frs_attempt_endings_recent"]


def test_workers_and_their_gpus(scrape: Scrape, sessions: Sessions) -> None:
    gpus = [{"uuid": f"GPU-{number}", "name": "x", "memory_mib": 1} for number in range(2)]
    with sessions.begin() as session:
        here, draining, lost, left = (
            ledger.register_worker(session, host=host, pid=1, version="0", devices={"gpus": gpus})
            for host in ("here", "draining", "lost", "left")
        )
        usage = {"cpu": 1.5, "memory": 0.25, "gpus": [{"uuid": "GPU-0", "busy": 0.75, "memory": None}]}
        ledger.beat_worker(session, here, usage=usage)
        ledger.drain_worker(session, draining, drain=True)
        session.get_one(Worker, lost).state = "lost"
        ledger.retire_worker(session, left)
    found = scrape()
    assert found["frs_workers", ("online",)] == 2
    assert found["frs_workers", ("lost",)] == 1
    assert found["frs_workers_draining", ()] == 1
    assert found["frs_gpus", ()] == 4
    assert 0 <= found["frs_worker_heartbeat_age_seconds", ("here", here)] < 60
    assert {labels[1] for name, labels in found if name == "frs_worker_heartbeat_age_seconds"} == {
        here,
        draining,
    }
    assert found["frs_worker_cpu_ratio", ("here", here)] == 1.5
    assert found["frs_worker_memory_ratio", ("here", here)] == 0.25
    assert found["frs_gpu_busy_ratio", ("GPU-0", "here", here)] == 0.75
    assert ("frs_gpu_memory_ratio", ("GPU-0", "here", here)) not in found


def test_what_the_running_jobs_do_in_a_second(
    scrape: Scrape, submit: Submit, hand: Hand, sessions: Sessions
) -> None:
    for _ in range(2):
        submit(schedule={"epochs": 1, "batch_size": 2, "accumulate": 3})
        lease = hand.take()
        with sessions.begin() as session:
            ledger.record(
                session,
                lease,
                [
                    ProgressEvent(time=1.0, phase="training", step=2, total_steps=9, epoch=0, total_epochs=1),
                    MetricEvent(time=1.0, step=1, values={"host/step_seconds": 9.0}),
                    MetricEvent(time=2.0, step=2, values={"host/step_seconds": 0.5}),
                ],
            )
    _set(sessions, Job, gpus=2)
    found = scrape()
    assert found["frs_training_jobs", ("train",)] == 2
    assert found["frs_training_steps_per_second", ("train",)] == pytest.approx(4)
    assert found["frs_training_images_per_second", ("train",)] == pytest.approx(24)
    assert found["frs_gpus_busy", ()] == 4
    hand.finish(lease)
    assert scrape()["frs_training_steps_per_second", ("train",)] == pytest.approx(2)


def test_the_chores_of_all_keepers_are_counted_together(scrape: Scrape, sessions: Sessions) -> None:
    def fails() -> bool:
        raise OSError("the store is away")

    for _ in range(2):
        good = Chore(name="reap", do=lambda: False, period_seconds=1)
        bad = Chore(name="clean", do=fails, period_seconds=1)
        for chore in (good, good, bad):
            chore.run()
        note_chores(sessions, [good, bad])
        note_chores(sessions, [good, bad])  # nothing came since
    found = scrape()
    assert found["frs_chore_runs_total", ("reap",)] == 4
    assert found["frs_chore_failures_total", ("reap",)] == 0
    assert found["frs_chore_failures_total", ("clean",)] == found["frs_chore_runs_total", ("clean",)] == 2
    assert abs(found["frs_chore_last_success_timestamp_seconds", ("reap",)] - utc_now().timestamp()) < 60
    assert ("frs_chore_last_success_timestamp_seconds", ("clean",)) not in found


def test_requests_are_counted_by_route_and_invented_paths_make_no_series(
    api: "TestClient", scrape: Scrape
) -> None:
    def requests(found: Values) -> Values:
        return {key: value for key, value in found.items() if key[0] == "frs_http_request_seconds_count"}

    for _ in range(2):  # /metrics itself, and its series, are then there
        scrape()
    before = scrape()
    api.get("/api/v1/jobs/0000")
    api.get("/nowhere")
    first = scrape()
    for number in range(20):
        api.get(f"/api/v1/jobs/{number:016}")
        api.request("BREW", f"/{number}/nowhere")
    after = scrape()
    assert requests(first)["frs_http_request_seconds_count", ("GET", "/api/v1/jobs/{job_id}", "4xx")] == 1
    assert requests(after)["frs_http_request_seconds_count", ("GET", "/api/v1/jobs/{job_id}", "4xx")] == 21
    assert requests(after)["frs_http_request_seconds_count", ("other", "none", "4xx")] == 20
    assert len(requests(after)) == len(requests(first)) + 1 == len(requests(before)) + 3
    assert after["frs_build_info", ("0.1.0",)] == 1


def test_a_database_that_is_down_is_a_value_not_an_error(settings: Settings) -> None:
    from fastapi.testclient import TestClient

    down = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "metrics_token": "of the monitor"}
    with TestClient(create_app(settings.model_copy(update=down))) as client:
        assert client.get("/metrics").status_code == 503
        text = client.get("/metrics", headers={"Authorization": "Bearer of the monitor"}).text
    assert "frs_database_up 0.0" in text
    assert "frs_jobs" not in text
    assert "frs_build_info" in text


def test_failures_of_the_store_are_counted_by_operation(
    api: "TestClient", scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise ArtifactError("away")

    assert not [labels for name, labels in scrape() if name == "frs_store_errors_total"]
    monkeypatch.setattr("service.artifacts.local.Store.put", fail)
    assert api.get("/readyz").status_code == 503
    assert scrape()["frs_store_errors_total", ("put",)] == 1


def test_a_census_is_few_statements_and_taken_once_for_requests_that_come_together(
    api: "TestClient", sessions: Sessions, submit: Submit
) -> None:
    submit()
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = api.app.state.resources.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", note)
    for _ in range(5):
        api.get("/metrics")
    read = [each for each in statements if "FROM api_keys" not in each and each.startswith("SELECT")]
    assert 5 <= len(read) <= 18
    with sessions() as session:
        assert take_census(session).jobs


def test_every_metric_on_the_list_is_served_and_no_other(
    scrape: Scrape, submit: Submit, hand: Hand, sessions: Sessions, api: "TestClient"
) -> None:
    api.get("/api/v1/jobs")
    names = {
        line.split()[2] for line in api.get("/metrics").text.splitlines() if line.startswith("# TYPE frs_")
    }
    assert names == {family.name for family in FAMILIES}
