"""Which method makes the student better, by how much."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from service import reports
from service.api.dependencies import Reading
from service.api.problems import ProblemError, fault, invalid
from service.comparison import Comparison, IncomparableError
from service.comparison.load import comparison_of
from service.db import queries

router = APIRouter(tags=["comparison"])


@router.get("/experiments/{experiment_id}/comparison", response_model=Comparison)
def get_comparison(
    session: Reading,
    experiment_id: str,
    format: Annotated[
        str, Query(max_length=32, description="json, or another report format: csv, md")
    ] = "json",
    baseline: Annotated[str, Query(max_length=200, description="Label that differences refer to")] = "none",
) -> Response:
    """The comparison of the experiment's finished jobs in a report format. AP as fractions in JSON."""
    if format not in reports.names():
        raise invalid(fault("format", f"no such report format; known: {', '.join(reports.names())}", format))
    experiment = queries.get_experiment(session, experiment_id)
    labels = {job.label for job in experiment.jobs}
    if baseline != "none" and baseline not in labels:
        raise invalid(fault("baseline", f"no such label; known: {', '.join(sorted(labels))}", baseline))
    try:
        comparison = comparison_of(session, experiment.id, baseline=baseline)
    except IncomparableError as error:
        raise ProblemError(409, "incomparable", str(error)) from error
    report = reports.get(format)
    name = f"{experiment.id}.{report.extension}"
    return Response(
        report.render(comparison),
        media_type=report.media_type,
        headers={"Content-Disposition": f'inline; filename="{name}"', **report.headers},
    )
