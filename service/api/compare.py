"""Any runs side by side, where that is fair."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from service.api.comparison import Baseline
from service.api.dependencies import Reading
from service.api.problems import ProblemError, fault, invalid
from service.api.refusals import also
from service.api.views import View
from service.comparison import Comparison, IncomparableError
from service.comparison.across import Chosen, choose, compare_across
from service.comparison.load import COMPARED
from service.db import queries
from service.db.models import Experiment, Job
from service.db.outside import EXTERNAL

router = APIRouter(tags=["comparison"])
DETECTOR = "detector"
"""The role of a job of its own that trains or evaluates a detector alone."""

Ids = Annotated[
    list[Annotated[str, Query(max_length=64)]] | None,
    Query(max_length=50, description="Ids or unique prefixes; may be repeated"),
]


class DifferenceView(View):
    """A setting, and what it is in each row: JSON as text, – where it is not set."""

    setting: str
    values: dict[str, str]


class CompareView(View):
    """The comparison of the chosen runs, and the settings in which their rows differ."""

    comparison: Comparison
    differences: tuple[DifferenceView, ...]


class Choice(NamedTuple):
    """What was asked for."""

    experiments: list[Experiment]
    jobs: list[Job]
    runs: Chosen


@router.get("/compare", responses=also(404, 409))
def compare_runs(
    session: Reading,
    experiment: Ids = None,
    job: Ids = None,
    baseline: Baseline = "none",
) -> CompareView:
    """Compare experiments, or jobs of any. 409 where they were not trained or measured alike."""
    choice = chosen(session, experiment or [], job or [])
    try:
        comparison = compared(choice, baseline)
    except IncomparableError as error:
        raise ProblemError(409, "incomparable", str(error)) from error
    labels, differing = choice.runs.differences()
    return CompareView(
        comparison=comparison,
        differences=tuple(
            DifferenceView(setting=each.path, values=dict(zip(labels, each.values, strict=True)))
            for each in differing
        ),
    )


def chosen(session: Session, experiments: list[str], jobs: list[str]) -> Choice:
    """The rows of those ids. Raises ProblemError, NotFoundError and AmbiguousIdError."""
    if not experiments and not jobs:
        raise invalid(fault("experiment", "give ids of experiments, or of jobs as `job`"))
    rows = [queries.get_experiment(session, each) for each in dict.fromkeys(experiments)]
    singles = [queries.get_job(session, each) for each in dict.fromkeys(jobs)]
    for single in singles:
        if single.role not in (*COMPARED, EXTERNAL, DETECTOR):
            message = f"{single.name} is a job of kind {single.kind}, which has no result to compare"
            raise invalid(fault("job", message, single.id))
    return Choice(rows, singles, choose(session, rows, singles))


def compared(choice: Choice, baseline: str) -> Comparison:
    """The comparison of a choice. Raises IncomparableError, and ProblemError for an unknown baseline."""
    labels = {run.label for run in choice.runs.runs}
    if baseline != "none" and baseline not in labels:
        raise invalid(fault("baseline", f"no such label; known: {', '.join(sorted(labels))}", baseline))
    return compare_across(choice.runs, baseline=baseline)
