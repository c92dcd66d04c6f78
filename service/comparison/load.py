"""Reads an experiment's runs from the database and compares them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from frs_core.spec import canonical_hash
from service.comparison.bootstrap import Values
from service.comparison.compare import compare
from service.comparison.draws import NUM_DRAWS, unpack
from service.comparison.records import RunCost, RunRecord, SearchRecord, Split
from service.comparison.result import Comparison
from service.db.models import Artifact, Evaluation, Experiment, Job, ResampledAp
from service.db.states import JobState


def comparison_of(session: Session, experiment_id: str, *, baseline: str = "none") -> Comparison:
    """The comparison of one experiment: the last evaluation of each succeeded job on the reported split.

    That split is `test`, or `val` where the data set has none. Jobs that have not succeeded count as
    without a result, and the warnings name them; those of a search and of a look at the data are no part of
    it. Raises LookupError for an unknown id, and IncomparableError as `compare` does.
    """
    experiment = session.get(Experiment, experiment_id)
    if experiment is None:
        raise LookupError(f"no experiment {experiment_id}")
    # Read as plain data: an old experiment stays readable when its format or options are no longer known.
    split: Split = "val" if experiment.spec["dataset"].get("test") is None else "test"
    evaluations = _last_evaluations(session, experiment_id, split)
    draws = _draws(session, experiment_id, split)
    jobs = session.scalars(
        select(Job)
        .where(Job.experiment_id == experiment_id, Job.role.in_(("teacher", "student")))
        .order_by(Job.position, Job.id)
    )
    expected = experiment.spec.get("expected", {})
    runs = [
        replace(
            _record(job, evaluations.get(job.id), split, expected.get(job.label)), draws=draws.get(job.id)
        )
        for job in jobs
    ]
    return compare(runs, baseline=baseline, experiment=experiment.id, name=experiment.name)


def _last_evaluations(session: Session, experiment_id: str, split: str) -> dict[str, Evaluation]:
    """By job id; of several evaluations the one with the largest step."""
    rows = session.scalars(
        select(Evaluation)
        .join(Job, Job.id == Evaluation.job_id)
        .where(
            Job.experiment_id == experiment_id,
            Job.state == JobState.SUCCEEDED,
            Evaluation.split == split,
        )
        .order_by(Evaluation.step)
    )
    return {row.job_id: row for row in rows}


def _draws(session: Session, experiment_id: str, split: str) -> dict[str, Values]:
    """By job id, of the runs that were drawn from."""
    rows = session.execute(
        select(Artifact.job_id, ResampledAp.values)
        .join(ResampledAp, ResampledAp.matches_sha256 == Artifact.sha256)
        .join(Job, Job.id == Artifact.job_id)
        .where(
            Job.experiment_id == experiment_id,
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
        input_size=tuple(spec["input_size"]),
        schedule_hash=canonical_hash(spec["schedule"]),
        detector_hash=canonical_hash(spec["detector"]),
        teacher_hash=canonical_hash(spec["teacher"]) if spec.get("teacher") else None,
        init=(spec.get("method") or {}).get("init", "scratch"),
        metrics=evaluation.metrics if evaluation else None,
        step=evaluation.step if evaluation else None,
        dataset_hash=evaluation.dataset_hash if evaluation else None,
        evaluator=evaluation.evaluator if evaluation else None,
        num_images=evaluation.num_images if evaluation else None,
        expected_ap=expected_ap,
        search=_search(job.search or {}),
        cost=_cost(job.cost) if job.cost else None,
    )


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
