"""What the service costs around a run: from submission to its first line, claims, trivial jobs a second.

`python -m benchmarks.dispatch [start] [claims] [throughput]`, all three by default. It starts PostgreSQL,
Redis, API, keeper and workers of its own. Runs are those of the tests' miniature child, which imports no
torch: so what is measured is not hidden behind seconds of imports.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.orm import Session, sessionmaker

from frs_core.spec import JobSpec
from service.db.engine import session_factory, upgrade
from service.db.ledger import claim, register_worker
from service.db.models import Job
from service.db.moves import rank
from service.db.states import JobState
from service.db.types import new_id, utc_now
from service.jobs.rows import job_row
from tests.chaos.servers import Postgres
from tests.chaos.system import System
from tests.fixtures.server import AS_ADMIN
from tests.fixtures.workplaces import MINIATURE_CHILD

NUM_STARTS = 30
QUEUE_LENGTHS = (1_000, 10_000, 100_000)
NUM_WORKERS = (1, 10, 100)
NUM_CONNECTIONS = 20
NUM_CLAIMS = 1_000
NUM_JOBS = 60


def main() -> None:
    """Print what was measured, as Markdown."""
    parts: dict[str, Callable[[Path], None]] = {"start": start, "claims": claims, "throughput": throughput}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dispatch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", choices=[[], *parts])
    for name in parser.parse_args().part or parts:
        with tempfile.TemporaryDirectory(prefix="frs-dispatch-") as folder:
            Path(folder).chmod(0o755)
            parts[name](Path(folder))


def start(folder: Path) -> None:
    """Submission to the child's first line, against starting the same child by hand."""
    spec = _spec()
    by_hand = [_started_by_hand(folder / f"hand{number}", spec) for number in range(NUM_STARTS)]
    with (
        _system(folder, num_workers=1) as system,
        httpx.Client(base_url=system.url, headers=AS_ADMIN) as client,
    ):
        served = [_started_by_service(client, spec) for _ in range(NUM_STARTS + 3)][3:]
    hand, service = statistics.median(by_hand), statistics.median(served)
    print(f"\n## Submission to the first line, median of {NUM_STARTS}\n")
    print("| | ms | 95th percentile |\n| --- | ---: | ---: |")
    for name, found in (("the child by hand", by_hand), ("through the service", served)):
        print(f"| {name} | {1000 * statistics.median(found):.0f} | {1000 * _p95(found):.0f} |")
    print(f"\noverhead {1000 * (service - hand):.0f} ms, ratio {service / hand:.2f}")


def claims(folder: Path) -> None:
    """Claims a second by number of workers and length of the queue."""
    postgres = Postgres(folder, durable=True)
    postgres.create()
    postgres.start()
    try:
        upgrade(postgres.url)
        url = postgres.url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url, pool_size=NUM_CONNECTIONS, max_overflow=0)
        found = {length: _claim_curve(engine, length) for length in QUEUE_LENGTHS}
        engine.dispose()
    finally:
        postgres.stop()
    print(f"\n## Claims a second, PostgreSQL with fsync, {NUM_CONNECTIONS} connections\n")
    print(
        "| jobs in the queue | "
        + " | ".join(f"{number} workers" for number in NUM_WORKERS)
        + " | ms a claim |"
    )
    print("| " + " | ".join(["---:"] * (len(NUM_WORKERS) + 2)) + " |")
    for length, rates in found.items():
        shown = " | ".join(f"{rates[number]:.0f}" for number in NUM_WORKERS)
        print(f"| {length:,} | {shown} | {1000 / rates[1]:.2f} |")
    ratio = found[QUEUE_LENGTHS[0]][1] / found[QUEUE_LENGTHS[-1]][1]
    print(f"\na claim among {QUEUE_LENGTHS[-1]:,} jobs costs {ratio:.2f} of one among {QUEUE_LENGTHS[0]:,}")


def throughput(folder: Path) -> None:
    """Trivial jobs a second on four workers, from the first submission to the last end."""
    spec = _spec()
    with (
        _system(folder, num_workers=4) as system,
        httpx.Client(base_url=system.url, headers=AS_ADMIN) as client,
    ):
        begun = time.monotonic()
        ids = [_submit(client, spec) for _ in range(NUM_JOBS)]
        submitted = time.monotonic() - begun
        while {_state(client, each) for each in ids} != {"succeeded"}:
            time.sleep(0.1)
        took = time.monotonic() - begun
    print("\n## Trivial jobs on four workers\n")
    print(f"{NUM_JOBS} jobs in {took:.1f} s: {NUM_JOBS / took:.1f} a second (submitted in {submitted:.1f} s)")


@contextmanager
def _system(folder: Path, *, num_workers: int) -> Iterator[System]:
    system = System(folder, num_workers=num_workers, pace_seconds=0, num_steps=1)
    try:
        system.start()
        with httpx.Client(base_url=system.url, headers=AS_ADMIN) as client:
            _wait(lambda: _answers(client, num_workers))
        yield system
        system.stop()
    finally:
        system.kill()


def _answers(client: httpx.Client, num_workers: int) -> bool:
    try:
        items = client.get("/api/v1/workers").json()["items"]
    except httpx.TransportError:
        return False
    return sum(item["state"] == "online" for item in items) == num_workers


def _started_by_hand(folder: Path, spec: dict[str, Any]) -> float:
    """Seconds from starting the child to its first event."""
    folder.mkdir()
    (folder / "job.yaml").write_text(json.dumps(JobSpec.model_validate(spec).model_dump(mode="json")))
    begun = time.time()
    command = [*MINIATURE_CHILD, str(folder), "--weights-mirror", str(folder), "--parent", str(os.getpid())]
    subprocess.run(command, check=False, cwd=Path.cwd(), env=_environment(), stdout=subprocess.DEVNULL)
    return _first_event(folder) - begun


def _started_by_service(client: httpx.Client, spec: dict[str, Any]) -> float:
    """Seconds from the submission to the first event that the child wrote, as it was recorded."""
    begun = time.time()
    job_id = _submit(client, spec)
    _wait(lambda: _state(client, job_id) == "succeeded")
    metrics = client.get(f"/api/v1/jobs/{job_id}/metrics").json()
    return float(metrics["items"][0]["points"][0]["time"]) - begun


def _first_event(folder: Path) -> float:
    events = (json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines())
    return float(next(event["time"] for event in events if event["type"] == "metric"))


def _claim_curve(engine: Engine, length: int) -> dict[int, float]:
    """Claims a second by number of workers, while the queue stays about so long."""
    sessions = session_factory(engine)
    with sessions.begin() as session:
        session.execute(text("TRUNCATE jobs, workers CASCADE"))
        worker = register_worker(session, host="here", pid=1, version="0", devices={"gpus": [], "slots": 1})
        _fill(session, length)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
    num_claims = min(NUM_CLAIMS, length // (len(NUM_WORKERS) + 1))  # or the queue would run dry
    return {number: _claims_a_second(sessions, worker, number, num_claims) for number in NUM_WORKERS}


def _fill(session: Session, length: int) -> None:
    moment = utc_now()
    plain = {
        column.key: getattr(row, column.key)
        for row in [job_row(JobSpec.model_validate(_spec()), role="detector", label="x")]
        for column in Job.__table__.columns
        if getattr(row, column.key) is not None
    }
    for first in range(0, length, 1000):
        rows = [
            {
                **plain,
                "id": new_id(),
                "job_key": "0" * 64,
                "state": JobState.QUEUED,
                "queued_at": moment,
                "rank": rank(moment, priority=number % 5, position=number % 40) + number * 1e-3,
            }
            for number in range(first, min(first + 1000, length))
        ]
        session.execute(insert(Job), rows)


def _claims_a_second(
    sessions: sessionmaker[Session], worker_id: str, num_workers: int, num_claims: int
) -> float:
    share = max(1, num_claims // num_workers)

    def work(_: int) -> None:
        for _ in range(share):
            with sessions.begin() as session:
                assert claim(session, worker_id, gpus=0, lease_seconds=60) is not None

    begun = time.monotonic()
    with ThreadPoolExecutor(num_workers) as pool:
        list(pool.map(work, range(num_workers)))
    return share * num_workers / (time.monotonic() - begun)


def _submit(client: httpx.Client, spec: dict[str, Any]) -> str:
    return str(client.post("/api/v1/jobs", json=spec).raise_for_status().json()["id"])


def _state(client: httpx.Client, job_id: str) -> str:
    return str(client.get(f"/api/v1/jobs/{job_id}").raise_for_status().json()["state"])


def _wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("it did not come")
        time.sleep(0.02)


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1", "MINIATURE_STEPS": "1"}


def _spec() -> dict[str, Any]:
    sizes = {"train_images": 4, "val_images": 2, "test_images": 2, "width": 64, "height": 64}
    return {
        "kind": "train",
        "name": "trivial",
        "dataset": {"format": "synthetic", "options": sizes},
        "input_size": [64, 64],
        "detector": {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "fpn_channels": 32},
        "schedule": {"epochs": 1, "batch_size": 2},
    }


if __name__ == "__main__":
    main()
