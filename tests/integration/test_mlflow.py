"""The mirror, against a real MLflow server in an environment of its own (`make test-mlflow`)."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import EvaluationEvent, MetricEvent
from service.db import ledger, mirrored
from service.db.models import Job, MlflowRun
from service.db.types import utc_now
from service.jobs.mirror import mirror_next
from service.mirrors.mlflow import flat
from service.mirrors.mlflow_server import MlflowServer
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
Sessions = sessionmaker[Session]
PUBLIC_URL = "https://frs.example"


@pytest.fixture(scope="module")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that has nothing yet."""
    python = os.environ.get("FRS_TEST_MLFLOW_PYTHON")
    if not python:
        pytest.skip("no MLflow server: `make test-mlflow` installs one and sets FRS_TEST_MLFLOW_PYTHON")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FRS_"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *store], cwd=folder, env=plain, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_until(lambda: answers(process, folder, url), seconds=180, every=0.5)
            yield url
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)


def answers(process: "subprocess.Popen[bytes]", folder: Path, url: str) -> bool:
    assert process.poll() is None, (folder / "log").read_text()
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def server(mlflow_url: str) -> Iterator[MlflowServer]:
    with MlflowServer(mlflow_url, "") as found:
        yield found


def ask(url: str, path: str, **query: Any) -> Any:
    answer = httpx.get(f"{url}/api/2.0/mlflow/{path}", params=query, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


def run_of(url: str, sessions: Sessions, job_id: str) -> Any:
    with sessions() as session:
        row = session.get_one(MlflowRun, job_id)
    return ask(url, "runs/get", run_id=row.run_id)["run"]


def history(url: str, run: Any, name: str) -> list[tuple[int, float]]:
    found = ask(url, "metrics/get-history", run_id=run["info"]["run_id"], metric_key=name)["metrics"]
    return sorted((int(each["step"]), float(each["value"])) for each in found)


def report(sessions: Sessions, lease: ledger.Lease, steps: range, **values: float | None) -> None:
    events = [
        MetricEvent(
            time=1_700_000_000.5 + step, step=step,
            values={"train/loss": 1 / (step + 1), **values},
            nonfinite={name: "nan" for name, value in values.items() if value is None},
        )
        for step in steps
    ]  # fmt: skip
    with sessions.begin() as session:
        ledger.record(session, lease, events)


def mirrored_all(sessions: Sessions, server: MlflowServer) -> int:
    with sessions.begin() as session:
        session.execute(update(MlflowRun).values(not_before=utc_now()))
    return mirror_next(sessions, server, PUBLIC_URL)


def test_a_run_is_there_as_it_was_recorded(
    mlflow_url: str, server: MlflowServer, sessions: Sessions, submit: Submit, hand: Hand
) -> None:
    experiment_id = submit(tags=["blood"])
    lease = hand.take()
    report(sessions, lease, range(1500), **{"train/odd": None})
    assert mirrored_all(sessions, server) == 1
    run = run_of(mlflow_url, sessions, lease.job_id)
    assert (run["info"]["status"], run["info"]["run_name"]) == ("RUNNING", "teacher")
    assert history(mlflow_url, run, "train/loss") == [(step, 1 / (step + 1)) for step in range(1500)]
    report(sessions, lease, range(1500, 1600))
    found = EvaluationEvent(
        time=1.0, split="val", step=1600, epoch=1, evaluator="e", dataset_hash="h", num_images=1, num_boxes=1,
        metrics={"ap": 0.25, "ap_s": None},
    )  # fmt: skip
    with sessions.begin() as session:
        ledger.record(session, lease, [found])
    hand.finish(lease)
    assert mirrored_all(sessions, server) == 1
    run = run_of(mlflow_url, sessions, lease.job_id)
    assert (run["info"]["status"], bool(run["info"]["end_time"])) == ("FINISHED", True)
    assert history(mlflow_url, run, "train/loss") == [(step, 1 / (step + 1)) for step in range(1600)]
    assert history(mlflow_url, run, "final/val/ap") == [(1600, 0.25)]
    job = hand.job(lease.job_id)
    assert {each["key"]: each["value"] for each in run["data"]["params"]} == dict(flat(job.spec))
    tags = {each["key"]: each["value"] for each in run["data"]["tags"]}
    assert tags["frs.job_id"] == lease.job_id
    assert (tags["frs.url"], tags["frs.tags"]) == (f"{PUBLIC_URL}/jobs/{lease.job_id}", "blood")
    experiment = ask(mlflow_url, "experiments/get", experiment_id=run["info"]["experiment_id"])["experiment"]
    assert experiment["name"] == f"small ({experiment_id[:6]})"
    assert mirrored_all(sessions, server) == 0


def test_a_mirror_that_dies_anywhere_leaves_no_second_run_and_no_second_point(
    mlflow_url: str, server: MlflowServer, sessions: Sessions, submit: Submit, hand: Hand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    submit()
    lease = hand.take()
    report(sessions, lease, range(20))
    note = mirrored.note

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mirrored, "note", die)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            mirrored_all(sessions, server)
    monkeypatch.setattr(mirrored, "note", note)
    assert mirrored_all(sessions, server) == 1
    run = run_of(mlflow_url, sessions, lease.job_id)
    wanted = {"experiment_ids": [run["info"]["experiment_id"]], "max_results": 10}
    found = httpx.post(f"{mlflow_url}/api/2.0/mlflow/runs/search", json=wanted, timeout=30).json()
    assert len(found["runs"]) == 1
    assert history(mlflow_url, run, "train/loss") == [(step, 1 / (step + 1)) for step in range(20)]


def test_a_run_that_goes_back_and_fails_and_goes_on_is_told_so_and_doubles_nothing(
    mlflow_url: str, server: MlflowServer, sessions: Sessions, submit: Submit, hand: Hand
) -> None:
    submit()
    lease = hand.take()
    report(sessions, lease, range(10))
    mirrored_all(sessions, server)
    hand.fail(lease)
    mirrored_all(sessions, server)
    assert run_of(mlflow_url, sessions, lease.job_id)["info"]["status"] == "FAILED"
    with sessions.begin() as session:
        ledger.request_resume(session, lease.job_id)
    again = hand.take()  # from the start: there was no state, and its points were forgotten
    report(sessions, again, range(15))
    mirrored_all(sessions, server)
    run = run_of(mlflow_url, sessions, lease.job_id)
    assert run["info"]["status"] == "RUNNING"
    assert history(mlflow_url, run, "train/loss") == [(step, 1 / (step + 1)) for step in range(15)]


def test_what_the_server_refuses_of_one_job_holds_up_no_other(
    mlflow_url: str, server: MlflowServer, sessions: Sessions, submit: Submit, hand: Hand
) -> None:
    submit(methods=["none"])
    lease = hand.take()
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.id == lease.job_id).values(name="x" * 200))
        session.add(MlflowRun(job_id=lease.job_id, run_id="0" * 32, not_before=utc_now()))
    report(sessions, lease, range(3))
    submit(methods=["none"])
    other = hand.take()
    assert mirrored_all(sessions, server) == 2
    with sessions() as session:
        refused, fine = session.get_one(MlflowRun, lease.job_id), session.get_one(MlflowRun, other.job_id)
    assert (refused.num_failures, fine.error) == (1, None)
    assert "runs/log-batch" in (refused.error or "")
    assert refused.not_before > utc_now()
    assert fine.state == "running"
