"""The server as a whole: what it loads, describes, reports of itself and streams."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from openapi_spec_validator import validate
from sqlalchemy import text

from service.api import health
from service.api.app import create_app
from service.db.engine import create_engine
from service.settings import Settings
from tests.fixtures.server import AS_ADMIN, serving
from tests.waiting import wait_until

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.fixtures.ledgers import Hand
    from tests.fixtures.submissions import Submit

POST_EVERY_EXAMPLE = """
import json, sys
from fastapi.testclient import TestClient
from service.api.app import create_app
from service.db.engine import create_engine
from service.settings import Settings

with TestClient(create_app(Settings()), headers=json.loads(sys.argv[1])) as client:
    for path, body in json.load(sys.stdin):
        answer = client.post(f"/api/v1/{path}", json=body)
        assert answer.status_code == 201, answer.text
    for page in ("/", "/readyz", "/api/v1/methods", "/api/v1/zoo"):
        assert client.get(page).status_code == 200
heavy = {"torch", "torchvision", "mmdet", "mmengine", "mmcv", "cv2"}
print(json.dumps(sorted(heavy & {name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def examples(repo_root: Path) -> list[tuple[str, dict[str, Any]]]:
    """Each example's route and body; a data set that is not generated becomes the test's small one."""
    found = []
    for file in sorted((repo_root / "examples").glob("*.yaml")):
        body = yaml.safe_load(file.read_text())
        if body["dataset"].get("root"):
            body["dataset"] |= {"root": str(repo_root / "tests" / "data" / "datasets" / "voc")}
            body["schedule"]["batch_size"] = 1
        found.append(("jobs" if "kind" in body else "experiments", body))
    return found


def test_posting_every_example_loads_neither_torch_nor_mmdet(settings: Settings, repo_root: Path) -> None:
    bodies = examples(repo_root)
    assert {path for path, _ in bodies} == {"experiments", "jobs"}
    environment = {
        "FRS_DATA_DIR": str(settings.data_dir),
        "FRS_DATABASE_URL": settings.database_url,
        "FRS_ALLOWED_HOSTS": "testserver",
    }
    done = subprocess.run(
        [sys.executable, "-c", POST_EVERY_EXAMPLE, json.dumps(AS_ADMIN)],
        input=json.dumps(bodies),
        env=environment,
        cwd=repo_root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_document_is_valid_and_its_operation_ids_are_the_functions_names(api: "TestClient") -> None:
    document = api.get("/api/v1/openapi.json").json()
    validate(document)
    operations = [item for path in document["paths"].values() for item in path.values()]
    names = [item["operationId"] for item in operations]
    assert len(set(names)) == len(names)
    assert {"create_experiment", "get_comparison", "stream_events", "download_checkpoint"} <= set(names)
    for item in operations:
        assert item["tags"]
        assert item["description"]
        refusals = {status: told for status, told in item["responses"].items() if int(status) >= 400}
        assert {"421", "429", "500", "503"} <= refusals.keys()
        assert {tuple(told["content"]) for told in refusals.values()} == {("application/problem+json",)}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_a_server_in_order_is_alive_and_ready(api: "TestClient") -> None:
    assert api.get("/healthz").json()["status"] == "ok"
    ready = api.get("/readyz").json()
    assert ready == {"status": "ok", "checks": {"database": "ok", "artifacts": "ok", "broker": "polling"}}


def test_readiness_is_looked_at_once_for_all_who_ask(
    api: "TestClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    free = threading.Event()

    def check(_: object) -> str:
        looks.append(time.monotonic())
        assert free.wait(20)
        return "ok"

    monkeypatch.setitem(health._CHECKS, "artifacts", check)
    with ThreadPoolExecutor(61) as pool:
        # more than there are threads for requests: who waits keeps none of them
        asking = [pool.submit(api.get, "/readyz") for _ in range(60)]
        wait_until(lambda: looks)
        assert pool.submit(api.get, "/api/v1/jobs").result(20).status_code == 200
        free.set()
        assert {asked.result(20).status_code for asked in asking} == {200}
    assert len(looks) == 1
    monkeypatch.setattr("service.api.readiness.KEPT_SECONDS", 0.0)
    assert api.get("/readyz").status_code == 200
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"database_url": "sqlite:///{folder}/empty.db"}, "database", "python -m migrations"),
        ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "database", "cannot be reached"),
        ({"broker_url": "redis://127.0.0.1:1/0"}, "broker", "cannot be reached"),
        ({"artifacts_url": "file:///proc/nowhere"}, "artifacts", "cannot be reached"),
    ],
)
def test_a_server_that_lacks_something_is_alive_but_not_ready(
    settings: Settings, tmp_path: Path, change: dict[str, str], field: str, word: str
) -> None:
    from fastapi.testclient import TestClient

    filled = {key: value.format(folder=tmp_path) for key, value in change.items()}
    with TestClient(create_app(settings.model_copy(update=filled))) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    [fault] = answer.json()["errors"]
    assert fault["field"] == field
    assert word in fault["message"]


def test_a_database_that_is_down_is_a_503_that_asks_to_try_again(settings: Settings) -> None:
    from fastapi.testclient import TestClient

    down = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with TestClient(create_app(down), headers=AS_ADMIN) as client:
        answer = client.get("/api/v1/jobs")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "5"


def test_pages_let_browsers_run_only_the_servers_own_files(api: "TestClient") -> None:
    answer = api.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in answer.text
    assert " style=" not in answer.text


def test_methods_and_zoo_say_what_can_be_asked_for(api: "TestClient") -> None:
    methods = {item["name"]: item for item in api.get("/api/v1/methods").json()["items"]}
    assert methods["none"]["requires"] == []
    assert methods["frs"]["requires"] == ["cls", "neck"]
    assert "feature_weight" in methods["frs"]["options_schema"]["properties"]
    assert methods["frs"]["defaults"]["fcos"]["feature_weight"] == 0.01
    families = {item["family"] for item in api.get("/api/v1/zoo").json()["items"]}
    assert {"retinanet", "fcos"} <= families
    assert {item["family"] for item in api.get("/api/v1/zoo?family=fcos").json()["items"]} == {"fcos"}
    refused = {item["name"]: item["reason"] for item in api.get("/api/v1/zoo/refused").json()["items"]}
    assert "mask head" in refused["mask_rcnn/mask-rcnn_r50_fpn_1x_coco"]


def stream(url: str, stop: str, **headers: str) -> Iterator[dict[str, Any]]:
    """The events of a stream up to the first whose kind is `stop`, each with its SSE id."""
    event_id, deadline = None, time.monotonic() + 30
    with httpx.stream("GET", url, headers={**AS_ADMIN, **headers}, timeout=30) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            assert time.monotonic() < deadline, f"no {stop} event came"
            if line.startswith("id: "):
                event_id = line.removeprefix("id: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
            elif line == "" and "data" in locals():
                yield {**data, "sse_id": event_id}
                if data["kind"] == stop:
                    return
                event_id = None


def test_a_stream_goes_on_behind_the_last_event_a_client_saw(
    server_url: str, submit: "Submit", hand: "Hand"
) -> None:
    first, second = submit(name="first"), submit(name="second")
    url = f"{server_url}/api/v1/events"
    seen = []
    for event in stream(f"{url}?after=0", "experiment.submitted"):
        seen.append(event)
    assert seen[-1]["experiment_id"] == first
    rest = []
    for event in stream(url, "experiment.submitted", **{"Last-Event-ID": seen[-1]["sse_id"]}):
        rest.append(event)
    assert rest[-1]["experiment_id"] == second
    assert {event["id"] for event in rest}.isdisjoint(event["id"] for event in seen)


def place(url: str) -> str:
    """The id that a stream begins with, before any event."""
    with httpx.stream("GET", url, headers=AS_ADMIN, timeout=30) as answer:
        for line in answer.iter_lines():
            if line.startswith("id: "):
                return line.removeprefix("id: ")
    raise AssertionError("the stream ended without an id")


def test_a_restart_of_the_server_costs_a_client_no_event_not_even_one_that_saw_none_before(
    settings: Settings, tmp_path: Path, submit: "Submit", sessions: Any
) -> None:
    submit(name="before")
    with serving(settings, tmp_path) as url:
        wait_until(lambda: int(place(f"{url}/api/v1/events")) > 0)
        last = place(f"{url}/api/v1/events")
    missed = submit(name="while it was away")
    with serving(settings, tmp_path) as url:
        events = f"{url}/api/v1/events"
        assert [
            (event["kind"], event["experiment_id"])
            for event in stream(events, "experiment.submitted", **{"Last-Event-ID": last})
        ] == [("experiment.submitted", missed)]


def test_an_experiments_stream_tells_its_own_events_and_progress(
    server_url: str, submit: "Submit", hand: "Hand", sessions: Any
) -> None:
    from frs_core.events import ProgressEvent
    from service.db import ledger

    mine = submit(name="mine")
    lease = hand.take()
    submit(name="other")
    events = stream(f"{server_url}/api/v1/experiments/{mine[:8]}/events?after=0", "job.progress")
    first = next(events)
    assert (first["kind"], first["experiment_id"]) == ("experiment.submitted", mine)
    progress = ProgressEvent(time=1.0, phase="training", step=5, total_steps=9, epoch=1, total_epochs=2)
    with sessions.begin() as session:
        ledger.record(session, lease, [progress])
    rest = list(events)
    assert {event["experiment_id"] for event in rest} == {mine}
    assert (rest[-1]["kind"], rest[-1]["id"], rest[-1]["sse_id"]) == ("job.progress", None, None)
    assert rest[-1]["data"]["step"] == 5


def test_open_streams_do_not_hold_up_the_servers_end(server_url: str, tmp_path: Path) -> None:
    with httpx.stream("GET", f"{server_url}/api/v1/events", headers=AS_ADMIN, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        pid = int((tmp_path / "server.pid").read_text())
        started = time.monotonic()
        subprocess.run(["kill", "-TERM", str(pid)], check=True)
        assert not any(line.startswith("data:") for line in lines)
        assert time.monotonic() - started < 8


def test_with_migrations_pending_every_route_names_the_command_until_they_were_run(
    api: "TestClient", settings: Settings
) -> None:
    engine = create_engine(settings.database_url)
    with engine.begin() as connection:
        head = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    for path in ("/api/v1/experiments", "/readyz"):
        answer = api.get(path)
        assert answer.status_code == 503
        assert "the database is at schema 0001" in answer.json()["detail"]
        assert "python -m migrations" in answer.json()["detail"]
    page = api.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "python -m migrations" in page.text
    assert api.get("/healthz").status_code == 200
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    engine.dispose()
    assert api.get("/api/v1/experiments").status_code == 200
