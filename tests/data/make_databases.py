"""Writes a small filled database at this version's schema revision, as SQL for SQLite and for PostgreSQL.

Run once for a revision that is released, by `python -m tests.data.make_databases`, and keep what it writes:
every later upgrade is tested from there. It needs the PostgreSQL server of the tests, and `pg_dump`.
"""

import os
import sqlite3
import subprocess
import tempfile
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.orm import Session, sessionmaker

from frs_core.datasets.records import DatasetReport, SplitSummary
from frs_core.events import (
    ArtifactEvent,
    CheckpointEvent,
    CheckpointKind,
    EnvironmentEvent,
    EvaluationEvent,
    Event,
    MetricEvent,
    ProgressEvent,
    WarningEvent,
)
from frs_core.spec import ExperimentSpec, JobSpec
from service.db import ledger
from service.db.engine import create_engine, migrations_config, session_factory, upgrade
from service.db.states import AttemptState
from service.jobs.submit import submit_experiment, submit_job
from tests.fixtures.databases import DEFAULT_SERVER, temporary_database

FOLDER = Path(__file__).parent / "databases"
DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "fpn_channels": 32}
DATASET = {"format": "voc", "root": "/data/bccd", "test": "test"}
EXPERIMENT = ExperimentSpec.model_validate(
    {
        "name": "blood-cells",
        "dataset": DATASET,
        "input_size": [320, 240],
        "teacher": {"detector": DETECTOR, "train": {"epochs": 2}},
        "student": {"detector": DETECTOR},
        "methods": ["none", "frs"],
        "tags": ["blood"],
        "submitted_by": "ann",
    }
)
JOB = JobSpec.model_validate(
    {
        "kind": "evaluate",
        "name": "alone",
        "dataset": DATASET,
        "input_size": [320, 240],
        "detector": DETECTOR,
        "checkpoint": "/weights/teacher.pth",
    }
)
REPORT = DatasetReport(
    classes=("RBC", "WBC", "Platelets"),
    splits={"train": SplitSummary(images=2, boxes=5, per_class={"RBC": 4, "WBC": 1, "Platelets": 0})},
    dataset_hash="d" * 64,
    errors=(),
    warnings=(),
)


def fill(factory: sessionmaker[Session]) -> None:
    """A teacher that succeeded at its second attempt, a running and a queued student, and a cancelled job."""
    with factory.begin() as session:
        worker_id = ledger.register_worker(
            session, host="gpu-1", pid=17, version="0.1.0", devices={"gpus": 1}
        )
        submit_experiment(session, EXPERIMENT, dataset_report=REPORT, idempotency=("first", "b" * 64))
        alone = submit_job(session, JOB)
        ledger.request_cancel(session, alone.id)
    lost = _claim(factory, worker_id, lease_seconds=-1)
    _report(factory, lost, step=5, loss=2.5)
    with factory.begin() as session:
        ledger.expire_leases(session, backoff_seconds=0)
    teacher = _claim(factory, worker_id)
    _report(factory, teacher, step=10, loss=1.25)
    _store(factory, teacher)
    with factory.begin() as session:
        ledger.finish(session, teacher, ledger.Ending(state=AttemptState.SUCCEEDED, exit_code=0))
    _report(factory, _claim(factory, worker_id, lease_seconds=-1), step=1, loss=None)


def main() -> None:
    """Write both files."""
    revision = ScriptDirectory.from_config(migrations_config()).get_current_head()
    FOLDER.mkdir(exist_ok=True)
    _write_sqlite(FOLDER / f"{revision}.sqlite.sql")
    _write_postgresql(FOLDER / f"{revision}.postgresql.sql")


def _claim(factory: sessionmaker[Session], worker_id: str, *, lease_seconds: float = 60) -> ledger.Lease:
    with factory.begin() as session:
        claim = ledger.claim(session, worker_id, gpus=0, lease_seconds=lease_seconds)
    assert claim is not None
    return claim.lease


def _report(factory: sessionmaker[Session], lease: ledger.Lease, *, step: int, loss: float | None) -> None:
    nonfinite = {"train/loss": "nan"} if loss is None else {}
    events: list[Event] = [
        EnvironmentEvent(time=1.0, values={"torch": "2.13.0", "threads": 2}),
        MetricEvent.model_validate(
            {
                "time": 2.0,
                "step": step,
                "values": {"train/loss": loss, "train/lr": 0.001},
                "nonfinite": nonfinite,
            }
        ),
        ProgressEvent(time=3.0, phase="training", step=step, total_steps=10, epoch=1, total_epochs=2),
        WarningEvent(time=4.0, code="tiny_boxes", message="two boxes are tiny", count=2),
    ]
    with factory.begin() as session:
        ledger.record_process(session, lease, host="gpu-1", pid=18, process_started_at=1.5)
        ledger.record(session, lease, events)
        ledger.append_log(session, lease, offset=0, text=f"step {step}\n")


def _store(factory: sessionmaker[Session], lease: ledger.Lease) -> None:
    evaluation = EvaluationEvent(
        time=5.0,
        split="test",
        step=10,
        epoch=2,
        evaluator="faster-coco-eval 1.8.0",
        dataset_hash="d" * 64,
        num_images=2,
        num_boxes=5,
        metrics={"ap": 0.123456789012345, "ap_s": None},
        per_class={"RBC": {"ap": 0.25}},
    )
    artifact = ArtifactEvent(
        time=6.0,
        name="predictions_test.json",
        path="predictions_test.json",
        media_type="application/json",
        sha256="a" * 64,
        size_bytes=100,
    )
    with factory.begin() as session:
        ledger.record(session, lease, [evaluation])
        ledger.record_artifact(session, lease, artifact, uri="file:///artifacts/predictions_test.json")
        for kind in CheckpointKind:
            event = CheckpointEvent(
                time=7.0, kind=kind, path=kind, step=10, epoch=2, sha256="c" * 64, size_bytes=1000
            )
            ledger.record_checkpoint(session, lease, event, uri=f"file:///artifacts/{kind}")


def _filled(url: str) -> None:
    upgrade(url)
    engine = create_engine(url)
    fill(session_factory(engine))
    engine.dispose()


def _write_sqlite(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frs.db"
        _filled(f"sqlite:///{file}")
        connection = sqlite3.connect(file)
        target.write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()


def _write_postgresql(target: Path) -> None:
    with temporary_database(os.environ.get("FRS_TEST_DATABASE_URL") or DEFAULT_SERVER) as url:
        _filled(url)
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", plain]
        dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Lines that begin so are orders to psql, not SQL.
    target.write_text("".join(line for line in dump.splitlines(keepends=True) if not line.startswith("\\")))


if __name__ == "__main__":
    main()
