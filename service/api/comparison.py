"""Which method makes the student better, by how much: as JSON, and as reports."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy.orm import Session

from service import reports
from service.api.dependencies import Reading
from service.api.problems import ProblemError, fault, invalid
from service.comparison import Comparison, IncomparableError
from service.comparison.load import comparison_of
from service.db import queries

router = APIRouter(prefix="/experiments/{experiment_id}", tags=["comparison"])
Baseline = Annotated[str, Query(max_length=200, description="Label that differences refer to")]


@router.get("/comparison")
def get_comparison(session: Reading, experiment_id: str, baseline: Baseline = "none") -> Comparison:
    """The comparison of the experiment's finished jobs. AP as fractions, unrounded."""
    return _compared(session, experiment_id, baseline)


@router.get("/report", response_class=Response)
def get_report(
    session: Reading,
    experiment_id: str,
    format: Annotated[str, Query(max_length=32, description="html, pdf, tex, md, csv or json")] = "html",
    baseline: Baseline = "none",
) -> Response:
    """The comparison written down to be read or published. AP in points where people read it."""
    if format not in reports.names():
        raise invalid(fault("format", f"no such report format; known: {', '.join(reports.names())}", format))
    comparison = _compared(session, experiment_id, baseline)
    report = reports.get(format)
    name = f"{comparison.experiment}.{report.extension}"
    return Response(
        report.render(comparison),
        media_type=report.media_type,
        headers={"Content-Disposition": f'inline; filename="{name}"', **report.headers},
    )


def _compared(session: Session, experiment_id: str, baseline: str) -> Comparison:
    experiment = queries.get_experiment(session, experiment_id)
    labels = {job.label for job in experiment.jobs}
    if baseline != "none" and baseline not in labels:
        raise invalid(fault("baseline", f"no such label; known: {', '.join(sorted(labels))}", baseline))
    try:
        return comparison_of(session, experiment.id, baseline=baseline)
    except IncomparableError as error:
        raise ProblemError(409, "incomparable", str(error)) from error
