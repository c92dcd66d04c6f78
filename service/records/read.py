"""Makes a record of what the database holds."""

from pathlib import PurePath
from typing import Any

from sqlalchemy.orm import Session

from frs_core.datasets.records import DatasetReport
from frs_core.spec import ExperimentSpec
from frs_core.spec.dataset import UPLOADED
from service.db import recorded
from service.db.models import Experiment, Job
from service.db.outside import EXTERNAL
from service.db.preflight import PREFLIGHT
from service.db.states import TERMINAL, JobState
from service.records.form import (
    CheckpointRecord,
    EvaluationRecord,
    ExperimentRecord,
    JobRecord,
    KeptFile,
    Recorded,
    SeriesRecord,
)

ENDED = TERMINAL | {JobState.BLOCKED}
_COLUMNS = frozenset(JobRecord.model_fields) & {column.key for column in Job.__table__.columns}
_NO_COLUMNS = {"spec", "state", "environment", "evaluations", "checkpoints", "metrics", "files"}


def record_of(session: Session, experiment: Experiment) -> Recorded:
    """The experiment and its ended jobs. Raises ValueError where none has ended.

    Of a judged job the predictions and match arrays of the reported split are kept, of a search none.
    Rows from outside stay out: they are added again from what they were made of.
    """
    spec = ExperimentSpec.model_validate(without_places(experiment.spec))
    report = experiment.dataset_report
    ended = (job for job in experiment.jobs if job.state in ENDED and job.role not in (PREFLIGHT, EXTERNAL))
    jobs = sorted(ended, key=lambda job: job.position)
    if not jobs:
        raise ValueError("no job of it has ended yet: there is nothing to record")
    split = "val" if spec.dataset.test is None else "test"
    return Recorded(
        experiment=ExperimentRecord(
            id=experiment.id,
            spec=spec,
            dataset_report=None if report is None else DatasetReport.model_validate(report),
            created_at=experiment.created_at,
        ),
        jobs=tuple(_job(session, job, split) for job in jobs),
    )


def without_places(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification in which an absolute path is but its last name: where it lay is this machine's affair.

    >>> without_places({"dataset": {"root": "/home/ann/cells"}, "checkpoint": "zoo", "seeds": [0]})
    {'dataset': {'root': 'cells'}, 'checkpoint': 'zoo', 'seeds': [0]}
    """
    return {key: _without_place(value) for key, value in spec.items()}


def _without_place(value: Any) -> Any:
    if isinstance(value, dict):
        return without_places(value)
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    if isinstance(value, str) and value.startswith(UPLOADED):
        return value.removeprefix(UPLOADED)
    return value


def _job(session: Session, job: Job, split: str) -> JobRecord:
    attempts = recorded.job_attempts(session, job.reused_from or job.id)
    kept = () if job.role == "search" else (f"predictions_{split}.json", f"matches_{split}.npz")
    found = {
        "spec": without_places(job.spec),
        "state": job.state.value,
        "environment": attempts[-1].environment if attempts else None,
        "evaluations": [
            EvaluationRecord.model_validate(
                {name: getattr(row, name) for name in EvaluationRecord.model_fields}
            )
            for row in recorded.job_evaluations(session, job.id)
        ],
        "checkpoints": [
            CheckpointRecord.model_validate(
                {name: getattr(row, name) for name in CheckpointRecord.model_fields}
            )
            for row in recorded.job_checkpoints(session, job.id)
        ],
        "metrics": {
            series.name: SeriesRecord(steps=series.steps, values=series.values, nonfinite=series.nonfinite)
            for series in recorded.job_metrics(session, job.id)
        },
        "files": [
            KeptFile.model_validate({name: getattr(row, name) for name in KeptFile.model_fields})
            for row in recorded.job_artifacts(session, job.id)
            if row.name in kept
        ],
    }
    columns = {name: getattr(job, name) for name in _COLUMNS - _NO_COLUMNS}
    return JobRecord.model_validate({**columns, **found})
