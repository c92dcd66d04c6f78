"""Which runs of an experiment left what they found on a split, and which of them are put side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db.models import Artifact, Job
from service.db.states import JobState

TEACHER, STUDENT = "teacher", "student"
INDEX = "pictures/index.json"


class ChoiceError(ValueError):
    """A row, or a seed of it, that has nothing to show; `field` is which, the message what there is."""

    def __init__(self, field: str, value: object, message: str) -> None:
        super().__init__(message)
        self.field, self.value = field, value


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One succeeded job with the files it left of the split."""

    job_id: str
    label: str
    method: str | None
    role: str
    seed: int
    matches: Artifact
    predictions: Artifact
    truth: Artifact | None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is put side by side of one seed: teacher, plain student and method; None for what is not there."""

    teacher: Run | None
    baseline: Run | None
    method: Run | None

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those there are, each once, in the order they are shown."""
        found = (self.teacher, self.baseline, self.method)
        return tuple(dict.fromkeys(run for run in found if run is not None))


def runs_of(session: Session, experiment_id: str, split: str) -> list[Run]:
    """The runs that left predictions and match arrays of the split, in the experiment's order."""
    names = {"matches": f"matches_{split}.npz", "predictions": f"predictions_{split}.json"}
    names["truth"] = f"ground_truth_{split}.json"
    rows = session.execute(
        select(Job, Artifact)
        .join(Artifact, Artifact.job_id == Job.id)
        .where(
            Job.experiment_id == experiment_id,
            Job.role.in_((TEACHER, STUDENT)),
            Job.state == JobState.SUCCEEDED,
            Artifact.name.in_(names.values()),
        )
        .order_by(Job.position, Job.id)
    )
    files: dict[str, tuple[Job, dict[str, Artifact]]] = {}
    for job, artifact in rows:
        files.setdefault(job.id, (job, {}))[1][artifact.name] = artifact
    return [
        Run(
            job_id=job.id,
            label=job.label,
            method=job.method,
            role=job.role,
            seed=job.seed,
            matches=found[names["matches"]],
            predictions=found[names["predictions"]],
            truth=found.get(names["truth"]),
        )
        for job, found in files.values()
        if names["matches"] in found and names["predictions"] in found
    ]


def choose(runs: Sequence[Run], *, row: str | None = None, seed: int | None = None) -> Selection:
    """The row and seed asked for, by default the first that is not the baseline; the baseline of that seed.

    Raises ChoiceError for a row or seed that is not among the students.
    """
    students = [run for run in runs if run.role == STUDENT]
    plain = baseline_label(runs)
    labels = list(dict.fromkeys(run.label for run in students))
    if row is not None and row not in labels:
        raise ChoiceError("row", row, f"no student of that label has predictions; known: {', '.join(labels)}")
    label = row or next((name for name in labels if name != plain), plain)
    of_row = [run for run in students if run.label == label]
    seeds = [run.seed for run in of_row]
    if seed is not None and seed not in seeds:
        known = ", ".join(map(str, seeds))
        raise ChoiceError("seed", seed, f"{label} has no predictions of that seed; known: {known or 'none'}")
    method = next((run for run in of_row if seed in (None, run.seed)), None)
    return Selection(
        teacher=next((run for run in runs if run.role == TEACHER), None),
        baseline=next(
            (run for run in students if method and run.label == plain and run.seed == method.seed), None
        ),
        method=method,
    )


def baseline_label(runs: Sequence[Run]) -> str | None:
    """The student trained alone: labelled `none`, or the one label whose method is so named."""
    labels = list(dict.fromkeys(run.label for run in runs if run.role == STUDENT and run.method == "none"))
    if "none" in labels:
        return "none"
    return labels[0] if len(labels) == 1 else None


def artifacts_named(session: Session, experiment_id: str, name: str) -> Sequence[Artifact]:
    """The files of that name that an experiment's succeeded jobs left, in the experiment's order."""
    statement = (
        select(Artifact)
        .join(Job, Artifact.job_id == Job.id)
        .where(
            Job.experiment_id == experiment_id,
            Job.role.in_((TEACHER, STUDENT)),
            Job.state == JobState.SUCCEEDED,
            Artifact.name == name,
        )
        .order_by(Job.position, Job.id)
    )
    return session.scalars(statement).all()
