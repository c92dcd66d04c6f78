"""Compares runs of several experiments, or any jobs, as if they were rows of one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from service.artifacts import ArtifactStore
from service.comparison.analyses import analyses_of
from service.comparison.compare import compare
from service.comparison.differences import Difference, differences
from service.comparison.findings import Findings
from service.comparison.load import reported_split, runs_of_experiment, runs_of_jobs
from service.comparison.records import RunRecord
from service.comparison.result import Comparison
from service.db.models import Experiment, Job


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The runs that were chosen, each once, under labels that tell them apart, and their specifications."""

    runs: tuple[RunRecord, ...]
    specs: dict[str, dict[str, Any]]
    """By job id."""

    def differences(self) -> tuple[tuple[str, ...], tuple[Difference, ...]]:
        """The students' rows, and the settings in which the first run of each differs from the others'."""
        firsts: dict[str, str] = {}
        for run in self.runs:
            if run.role == "student":
                firsts.setdefault(run.label, run.job_id)
        found = differences([self.specs[job_id] for job_id in firsts.values()], seeds=False)
        return tuple(firsts), found

    def baseline(self, wanted: str) -> str:
        """The label that is meant: `none` stands for the first row that was trained alone."""
        labels = [run.label for run in self.runs]
        if wanted in labels or wanted != "none":
            return wanted
        return next((run.label for run in self.runs if run.method == "none"), wanted)


def choose(session: Session, experiments: Sequence[Experiment], jobs: Sequence[Job]) -> Chosen:
    """All compared runs of the experiments, then those jobs that are not among them."""
    groups: list[tuple[str, list[RunRecord]]] = []
    seen: set[str] = set()
    for experiment in experiments:
        runs = [run for run in runs_of_experiment(session, experiment) if run.job_id not in seen]
        seen.update(run.job_id for run in runs)
        groups.append((f"{experiment.name} ({experiment.id[:4]})", runs))
    for job in jobs:
        if job.id not in seen:
            seen.add(job.id)
            [run] = runs_of_jobs(session, [job], split=reported_split(job.spec))
            groups.append((f"{job.name} ({job.id[:4]})", [run]))
    runs = _told_apart(groups)
    rows = {job.id: job.spec for experiment in experiments for job in experiment.jobs}
    rows |= {job.id: job.spec for job in jobs}
    return Chosen(runs=tuple(runs), specs={run.job_id: rows[run.job_id] for run in runs})


def compare_across(chosen: Chosen, *, baseline: str) -> Comparison:
    """The comparison of the chosen runs. Raises IncomparableError where it would not be fair."""
    return compare(chosen.runs, baseline=chosen.baseline(baseline))


def findings_across(session: Session, store: ArtifactStore, chosen: Chosen, *, baseline: str) -> Findings:
    """The same with what the runs have stored, for figures. Raises as `compare_across` does."""
    comparison = compare_across(chosen, baseline=baseline)
    analyses = analyses_of(session, store, chosen.runs)
    return Findings(comparison=comparison, runs=chosen.runs, analyses=analyses)


def _told_apart(groups: Sequence[tuple[str, Sequence[RunRecord]]]) -> list[RunRecord]:
    """A label that several groups have is led by the name of its group."""
    owners: dict[str, set[str]] = {}
    for name, runs in groups:
        for run in runs:
            owners.setdefault(run.label, set()).add(name)
    return [
        replace(run, label=f"{name}: {run.label}") if len(owners[run.label]) > 1 else run
        for name, runs in groups
        for run in runs
    ]
