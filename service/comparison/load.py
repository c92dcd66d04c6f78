"""Reads an experiment's runs from the database and compares them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from frs_core.spec import canonical_hash
from service.artifacts import ArtifactStore
from service.comparison.analyses import analyses_of
from service.comparison.bootstrap import Values
from service.comparison.compare import compare
from service.comparison.draws import NUM_DRAWS, unpack
from service.comparison.findings import Findings
from service.comparison.records import CitedRecord, RunCost, RunRecord, SearchRecord, Split
from service.comparison.result import Comparison
from service.comparison.teachers import teachers_of
from service.db.models import Artifact, CitedRow, Evaluation, Experiment, Job, ResampledAp
from service.db.outside import EXTERNAL
from service.db.states import JobState

COMPARED = ("teacher", "student")
"""The roles of jobs that a comparison has rows of."""


def comparison_of(session: Session, experiment_id: str, *, baseline: str = "none") -> Comparison:
    """The comparison of one experiment: the last evaluation of each succeeded job on the reported split.

    That split is `test`, or `val` where the data set has none. Jobs that have not succeeded count as
    without a result, and the warnings name them; those of a search and of a look at the data are no part of
    it. Raises LookupError for an unknown id, and IncomparableError as `compare` does.
    """
    experiment = session.get(Experiment, experiment_id)
    if experiment is None:
        raise LookupError(f"no experiment {experiment_id}")
    return _compared(session, experiment, runs_of_experiment(session, experiment), baseline)


def findings_of(
    session: Session, store: ArtifactStore, experiment_id: str, *, baseline: str = "none"
) -> Findings:
    """The comparison with its runs and what they stored. Raises as `comparison_of` does."""
    experiment = session.get(Experiment, experiment_id)
    if experiment is None:
        raise LookupError(f"no experiment {experiment_id}")
    runs = runs_of_experiment(session, experiment)
    comparison = _compared(session, experiment, runs, baseline)
    return Findings(comparison=comparison, runs=tuple(runs), analyses=analyses_of(session, store, runs))


def _compared(
    session: Session, experiment: Experiment, runs: Sequence[RunRecord], baseline: str
) -> Comparison:
    cited = cited_rows(session, experiment.id)
    return compare(runs, cited=cited, baseline=baseline, experiment=experiment.id, name=experiment.name)


def cited_rows(session: Session, experiment_id: str) -> list[CitedRecord]:
    """In the order in which they were cited."""
    rows = session.scalars(
        select(CitedRow)
        .where(CitedRow.experiment_id == experiment_id)
        .order_by(CitedRow.created_at, CitedRow.label)
    )
    return [
        CitedRecord(
            label=row.label,
            metrics=row.metrics,
            citation=f"{row.source} ({row.url})" if row.url else row.source,
        )
        for row in rows
    ]


def runs_of_experiment(session: Session, experiment: Experiment) -> list[RunRecord]:
    """Its compared runs in order, each with the last evaluation on the reported split."""
    judged = and_(Job.role == EXTERNAL, Job.state.not_in((JobState.FAILED, JobState.CANCELLED)))
    jobs = session.scalars(
        select(Job)
        .where(Job.experiment_id == experiment.id, or_(Job.role.in_(COMPARED), judged))
        .order_by(Job.position, Job.id)
    ).all()
    # Read as plain data: an old experiment stays readable when its format or options are no longer known.
    expected = experiment.spec.get("expected", {})
    return runs_of_jobs(session, jobs, split=reported_split(experiment.spec), expected=expected)


def runs_of_jobs(
    session: Session, jobs: Sequence[Job], *, split: Split, expected: Mapping[str, float] | None = None
) -> list[RunRecord]:
    """A record of each job, in their order."""
    ids = [job.id for job in jobs]
    evaluations = _last_evaluations(session, ids, split)
    draws, history = _draws(session, ids, split), _history(session, ids)
    teachers = teachers_of(session, jobs)
    return [
        replace(
            _record(job, evaluations.get(job.id), split, (expected or {}).get(job.label)),
            teacher_hash=teachers.get(job.id),
            draws=draws.get(job.id),
            history=tuple(history.get(job.id, ())),
        )
        for job in jobs
    ]


def reported_split(spec: Mapping[str, Any]) -> Split:
    """`test`, or `val` where the data set has no other."""
    return "val" if spec["dataset"].get("test") is None else "test"


def _last_evaluations(session: Session, job_ids: Sequence[str], split: str) -> dict[str, Evaluation]:
    """By job id, of those that succeeded; of several evaluations the one with the largest step."""
    last = (
        select(Evaluation.job_id, func.max(Evaluation.step).label("step"))
        .where(Evaluation.job_id.in_(job_ids), Evaluation.split == split)
        .group_by(Evaluation.job_id)
        .subquery()
    )
    rows = session.scalars(
        select(Evaluation)
        .join(last, (last.c.job_id == Evaluation.job_id) & (last.c.step == Evaluation.step))
        .join(Job, Job.id == Evaluation.job_id)
        .where(Evaluation.split == split, Job.state == JobState.SUCCEEDED)
    )
    return {row.job_id: row for row in rows}


def _history(session: Session, job_ids: Sequence[str]) -> dict[str, list[tuple[int, float | None]]]:
    """(epoch, AP on val) by job id. Only that number is read: with many classes an evaluation is large."""
    rows = session.execute(
        select(Evaluation.job_id, Evaluation.epoch, Evaluation.metrics["ap"].as_float().label("ap"))
        .where(Evaluation.job_id.in_(job_ids), Evaluation.split == "val")
        .order_by(Evaluation.step)
    )
    found: dict[str, list[tuple[int, float | None]]] = {}
    for row in rows:
        found.setdefault(row.job_id, []).append((row.epoch, row.ap))
    return found


def _draws(session: Session, job_ids: Sequence[str], split: str) -> dict[str, Values]:
    """By job id, of the runs that were drawn from."""
    rows = session.execute(
        select(Artifact.job_id, ResampledAp.values)
        .join(ResampledAp, ResampledAp.matches_sha256 == Artifact.sha256)
        .where(
            Artifact.job_id.in_(job_ids),
            Artifact.name == f"matches_{split}.npz",
            ResampledAp.num_draws == NUM_DRAWS,
        )
    )
    return {job_id: unpack(values) for job_id, values in rows}


def _record(job: Job, evaluation: Evaluation | None, split: Split, expected_ap: float | None) -> RunRecord:
    spec = job.spec
    return RunRecord(
        job_id=job.id,
        label=job.label,
        method=job.method,
        role="teacher" if job.role == "teacher" else "student",
        seed=job.seed,
        state=JobState(job.state).value,
        split=split,
        input_size=tuple(spec["input_size"]) if "input_size" in spec else None,
        schedule_hash=canonical_hash(spec.get("schedule", {})),
        detector_hash=canonical_hash(spec.get("detector", {})),
        init=_start(spec),
        metrics=evaluation.metrics if evaluation else None,
        step=evaluation.step if evaluation else None,
        dataset_hash=evaluation.dataset_hash if evaluation else None,
        evaluator=evaluation.evaluator if evaluation else None,
        num_images=evaluation.num_images if evaluation else None,
        per_class=_per_class(evaluation) if evaluation else None,
        expected_ap=expected_ap,
        search=_search(job.search or {}),
        cost=_cost(job.cost) if job.cost else None,
        source="external" if job.role == EXTERNAL else "run",
        note=spec.get("note"),
        max_images=(spec.get("dataset") or {}).get("max_images"),
    )


def _start(spec: Mapping[str, Any]) -> str:
    """How a student started. Of a file only its name is told: where it lay is its machine's affair."""
    if (spec.get("method") or {}).get("init") == "inherit":
        return "inherit"
    reference = spec.get("checkpoint")
    if reference is None:
        return str(spec.get("init", "scratch"))
    which = canonical_hash({"checkpoint": reference})[:8]
    return f"weights {PurePath(reference).name}, {which}"


def _per_class(evaluation: Evaluation) -> dict[str, float | None]:
    return {name: scores.get("ap") for name, scores in evaluation.per_class.items()}


def _search(search: Mapping[str, Any]) -> SearchRecord | None:
    if "chosen" not in search:
        return None
    return SearchRecord(
        tried=tuple((each["values"], each["ap"]) for each in search["tried"]),
        chosen=search["chosen"],
        split=search["split"],
    )


def _cost(cost: Mapping[str, Any]) -> RunCost:
    latency = cost["latency"]
    return RunCost(
        params=cost["params"],
        macs=cost["macs"],
        latency_ms=latency["median_ms"],
        device=latency["device"],
        threads=latency["threads"],
    )
