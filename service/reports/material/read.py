"""Reads a dossier from the database and the store."""

import re
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.artifacts import ArtifactStore
from service.comparison.load import COMPARED, findings_of
from service.db import recorded
from service.db.logs import log_tail
from service.db.models import Evaluation, Experiment, Job
from service.db.outside import EXTERNAL
from service.records.read import without_places
from service.reports.material.dossier import Dossier, Metric, Sheet

LOG_LINES = 500


def dossier_of(
    session: Session,
    store: ArtifactStore,
    experiment_id: str,
    *,
    baseline: str = "none",
    tell: Callable[[float, str], None],
) -> Dossier:
    """Of one experiment; the session must stay open while a report is made. Raises as `findings_of` does."""
    tell(0.0, "reading the runs")
    experiment = session.get_one(Experiment, experiment_id)
    findings = findings_of(session, store, experiment_id, baseline=baseline)
    jobs = session.scalars(
        select(Job)
        .where(Job.experiment_id == experiment_id, Job.role.in_((*COMPARED, EXTERNAL)))
        .order_by(Job.position, Job.id)
    ).all()
    split = findings.comparison.split
    return Dossier(
        findings=findings,
        sheets=tuple(_sheet(session, job, split) for job in jobs),
        spec=without_places(experiment.spec),
        version=version("frs-distill"),
        metrics=lambda job_id: _metrics(session, job_id),
        log_tail=lambda job_id: _log(session, job_id),
        tell=tell,
    )


def _sheet(session: Session, job: Job, split: str) -> Sheet:
    ran = job.reused_from or job.id
    attempts = recorded.job_attempts(session, ran)
    evaluation = _last_evaluation(recorded.job_evaluations(session, job.id), split)
    checkpoints = [row for row in recorded.job_checkpoints(session, job.id) if row.kind != "state"]
    stored = [(row.kind, row.sha256) for row in checkpoints]
    stored += [(row.name, row.sha256) for row in recorded.job_artifacts(session, job.id) if split in row.name]
    return Sheet(
        job_id=job.id,
        label=job.label,
        role=job.role,
        method=job.method,
        seed=job.seed,
        state=job.state.value,
        reason=job.reason,
        step=job.step,
        job_key=job.job_key,
        dataset_hash=None if evaluation is None else evaluation.dataset_hash,
        evaluator=None if evaluation is None else evaluation.evaluator,
        num_attempts=len(attempts),
        started_at=job.started_at,
        finished_at=job.finished_at,
        reused_from=job.reused_from,
        spec=without_places(job.spec),
        environment=(attempts[-1].environment or {}) if attempts else {},
        hashes=tuple(stored),
    )


def _last_evaluation(evaluations: Sequence[Evaluation], split: str) -> Evaluation | None:
    return next((each for each in reversed(evaluations) if each.split == split), None)


def _metrics(session: Session, job_id: str) -> Iterator[Metric]:
    for series in recorded.job_metrics(session, job_id):
        yield Metric(name=series.name, steps=series.steps, values=series.values)


def _log(session: Session, job_id: str) -> str:
    """Without the folders of the machine that it ran on: a report is published."""
    job = session.get_one(Job, job_id)
    ran = job.reused_from or job.id
    tail = log_tail(session, ran, num_lines=LOG_LINES)
    text = "".join(f"{line}\n" for line in tail.lines)
    return re.sub(rf"[^\s'\"]*/(?={ran})", "", text)
