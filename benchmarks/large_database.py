"""Databases of many jobs, as years of use would fill them: for measuring what pages cost.

Rows are made by the service's own expansion of a specification and written in bulk; what they say is drawn
at random from a fixed seed.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy.orm import DeclarativeBase, Session

from frs_core.events import COCO_METRICS
from frs_core.spec import ExperimentSpec, expand
from service.db.buckets import keep_buckets
from service.db.models import Evaluation, Event, Experiment, ExperimentTag, Job, MetricPoint, MetricSeries
from service.db.states import JobState
from service.db.types import ID_ALPHABET, ID_LENGTH, utc_now
from service.jobs.rows import job_row

METHODS = ("none", "frs", "pkd", "mgd")
SERIES = "train/loss"
_ROWS = 2000
_DETECTOR = {"zoo": "retinanet/retinanet_r50_fpn_1x_coco", "backbone_depth": 18, "fpn_channels": 32}
_WORDS = ("blood", "street", "cells", "signs", "night", "drone", "retina", "small", "final", "again")
_OWNERS = (None, "Ada", "Grace", "Emmy", "Sofia", "Lise", "Maria")
_ENDS = (JobState.SUCCEEDED,) * 44 + (JobState.FAILED, JobState.RUNNING, JobState.QUEUED, JobState.CANCELLED)
Row = dict[str, Any]


@dataclass(frozen=True)
class Filled:
    """The id of the experiment that was made last, and of its first student's job."""

    experiment_id: str
    job_id: str


def fill(
    engine: Engine, *, num_experiments: int, num_seeds: int, methods: Sequence[str] = METHODS, seed: int = 0
) -> Filled:
    """Add experiments of a teacher and `methods` times `num_seeds` students, with results and events."""
    chance = random.Random(seed)
    template = _Template(methods, num_seeds)
    first = utc_now() - timedelta(days=365)
    step = timedelta(days=364) / num_experiments
    made: Filled | None = None
    for start in range(0, num_experiments, 50):
        tables: dict[type[DeclarativeBase], list[Row]] = {
            table: [] for table in (Experiment, ExperimentTag, Job, Evaluation, Event)
        }
        for number in range(start, min(start + 50, num_experiments)):
            made = template.add(tables, chance, first + number * step)
        for table, rows in tables.items():
            write(engine, table, rows)
    assert made is not None
    return made


def add_series(engine: Engine, job_id: str, num_points: int) -> None:
    """Give a job a loss that falls noisily."""
    chance = random.Random(num_points)
    with engine.begin() as connection:
        statement = insert(MetricSeries).values(job_id=job_id, name=SERIES).returning(MetricSeries.id)
        series_id = connection.execute(statement).scalar_one()
    points = (
        {"series_id": series_id, "step": step, "value": 3 / (1 + step / 900) + chance.gauss(0, 0.05),
         "nonfinite": None, "time": 1.8e9 + step / 10}
        for step in range(num_points)
    )  # fmt: skip
    write(engine, MetricPoint, points)
    with Session(engine) as session, session.begin():  # what a run keeps while it writes
        keep_buckets(session, [series_id], first_step=0, last_step=num_points)


class _Template:
    """The jobs of one specification, expanded once."""

    def __init__(self, methods: Sequence[str], num_seeds: int) -> None:
        self.spec = ExperimentSpec.model_validate(
            {
                "name": "template",
                "dataset": {"format": "voc", "root": "/data/bccd", "test": "test"},
                "input_size": [320, 240],
                "teacher": {"detector": _DETECTOR, "train": {"epochs": 8}},
                "student": {"detector": _DETECTOR},
                "schedule": {"epochs": 8, "batch_size": 8},
                "methods": list(methods),
                "seeds": list(range(num_seeds)),
            }
        ).model_dump(mode="json")
        plans = expand(ExperimentSpec.model_validate(self.spec))
        self.jobs = [
            {**_plain(job_row(plan.spec, role=plan.role, label=plan.label)), "position": position}
            for position, plan in enumerate(plans)
        ]

    def add(
        self, tables: dict[type[DeclarativeBase], list[Row]], chance: random.Random, moment: datetime
    ) -> Filled:
        """Add one experiment's rows."""
        experiment_id, owner = _id(chance), chance.choice(_OWNERS)
        name = " ".join(chance.choices(_WORDS, k=3)) + f" {chance.randrange(1000)}"
        root = f"/data/set-{chance.randrange(20)}"
        spec = {**self.spec, "name": name, "dataset": {**self.spec["dataset"], "root": root}}
        tables[Experiment].append(
            {"id": experiment_id, "name": name, "spec": spec, "submitted_by": owner, "created_at": moment,
             "archived_at": moment if chance.random() < 0.02 else None, "dataset_report": None}
        )  # fmt: skip
        for tag in {chance.choice(_WORDS) for _ in range(chance.randrange(4))}:
            tables[ExperimentTag].append({"experiment_id": experiment_id, "tag": tag})
        tables[Event].append(_event(experiment_id, None, "experiment.submitted", moment))
        end, base = chance.choice(_ENDS), chance.uniform(0.2, 0.5)
        aps = {label: base + chance.gauss(0.01, 0.02) for label in METHODS} | {"teacher": base + 0.08}
        rows = [self._job(_id(chance), job, experiment_id, moment, end) for job in self.jobs]
        tables[Job] += rows
        for row in rows:
            happened = 1 + (row["started_at"] is not None) + (row["finished_at"] is not None)
            tables[Event] += [_event(experiment_id, row["id"], "job.state", moment)] * happened
            if row["state"] is JobState.SUCCEEDED:
                ap = aps[row["label"]] + chance.gauss(0, 0.006)
                tables[Evaluation].append(_evaluation(_id(chance), row["id"], ap, moment))
        return Filled(experiment_id, rows[1]["id"])

    def _job(self, job_id: str, job: Row, experiment_id: str, moment: datetime, end: JobState) -> Row:
        """One of which the first three fifths have succeeded, and the others are in the state `end`."""
        position = job["position"]
        state = JobState.SUCCEEDED if position < 0.6 * len(self.jobs) else end
        has_begun, has_ended = state is not JobState.QUEUED, state not in (JobState.QUEUED, JobState.RUNNING)
        return {
            **job, "id": job_id, "experiment_id": experiment_id, "state": state,
            "job_key": job_id * 4, "created_at": moment, "queued_at": moment,
            "started_at": moment + timedelta(minutes=position) if has_begun else None,
            "finished_at": moment + timedelta(minutes=position + 20) if has_ended else None,
            "step": 160 if has_ended else 60 * has_begun, "total_steps": 160, "epoch": 8 * has_ended,
            "total_epochs": 8, "eta_seconds": 750.0 if state is JobState.RUNNING else None,
        }  # fmt: skip


def write(engine: Engine, table: type[DeclarativeBase], rows: Iterable[Row]) -> None:
    """Insert many rows that have the same keys: by COPY where there is one."""
    rows = iter(rows)
    for chunk in iter(lambda: list(_take(rows)), []):
        if engine.dialect.name == "postgresql":
            _copy(engine, table.__tablename__, chunk)
        else:
            with engine.begin() as connection:
                connection.execute(insert(table), chunk)


def _take(rows: Iterator[Row]) -> Iterator[Row]:
    for _, row in zip(range(_ROWS), rows, strict=False):
        yield row


def _copy(engine: Engine, table: str, rows: Sequence[Row]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    connection = engine.raw_connection()
    try:
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(
                    [json.dumps(each) if isinstance(each, dict) else each for each in row.values()]
                )
        connection.commit()
    finally:
        connection.close()


def _plain(job: Job) -> Row:
    """The columns of a row, with the defaults that a flush would give."""
    row: Row = {}
    for column in Job.__table__.columns:
        value = getattr(job, column.key)
        if value is None and column.default is not None and column.default.is_scalar:
            value = column.default.arg
        row[column.key] = value
    return {**row, "phase": "training", "num_attempts": 1, "token": 1}


def _id(chance: random.Random) -> str:
    """As `new_id` makes them, but soon: nobody has to guess these."""
    return "".join(chance.choices(ID_ALPHABET, k=ID_LENGTH))


def _event(experiment_id: str, job_id: str | None, kind: str, moment: datetime) -> Row:
    message = f"{kind} as it is told"
    return {"experiment_id": experiment_id, "job_id": job_id, "kind": kind, "message": message, "data": {},
            "created_at": moment}  # fmt: skip


def _evaluation(new: str, job_id: str, ap: float, moment: datetime) -> Row:
    return {
        "id": new, "job_id": job_id, "token": 1, "created_at": moment, "split": "test", "step": 160,
        "epoch": 8, "evaluator": "faster-coco-eval 1.8.0", "dataset_hash": "d" * 64, "num_images": 72,
        "num_boxes": 950, "metrics": dict.fromkeys(COCO_METRICS, ap), "per_class": {},
    }  # fmt: skip
