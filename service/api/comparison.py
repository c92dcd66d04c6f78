"""Which method makes the student better, by how much: as JSON, and as reports."""

from dataclasses import replace
from hashlib import sha256
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from sqlalchemy.orm import Session

from service import reports
from service.api.dependencies import Reading, Res, Resources
from service.api.problems import ProblemError, fault, invalid
from service.api.renderings import Rendering, Tell
from service.api.report_images import report_images
from service.api.views import View
from service.comparison import Comparison, IncomparableError
from service.comparison.load import comparison_of
from service.db import queries
from service.db.outside import EXTERNAL
from service.reports.material.read import dossier_of

router = APIRouter(prefix="/experiments/{experiment_id}", tags=["comparison"])
Baseline = Annotated[str, Query(max_length=200, description="Label that differences refer to")]
Format = Annotated[str, Query(max_length=32, description="html, pdf, tex, md, csv, json or zip")]
WAIT_SECONDS = 2.0


class RenderingView(View):
    """A report that is being made: ask `location` again. `progress` is the share that is done, 0 to 1."""

    format: str
    progress: float
    stage: str
    location: str


class Asked(NamedTuple):
    """A report that was asked for, on its way or done."""

    experiment_id: str
    report: reports.Report
    baseline: str
    rendering: Rendering

    @property
    def location(self) -> str:
        """Where it will be."""
        return f"/api/v1/experiments/{self.experiment_id}/report?" + urlencode(
            {"format": self.report.name, "baseline": self.baseline}
        )


@router.get("/comparison")
def get_comparison(session: Reading, experiment_id: str, baseline: Baseline = "none") -> Comparison:
    """The comparison of the experiment's finished jobs. AP as fractions, unrounded."""
    return compared(session, experiment_id, baseline)


@router.get("/report", response_class=Response, responses={202: {"model": RenderingView}})
def get_report(
    resources: Res,
    experiment_id: str,
    format: Format = "html",
    baseline: Baseline = "none",
    wait: Annotated[
        float, Query(ge=0, le=30, description="Seconds to wait for it before a 202")
    ] = WAIT_SECONDS,
) -> Response:
    """The comparison written down to be read or published. AP in points where people read it.

    One that takes longer than `wait` answers 202 with how far it is and where to look: here again.
    """
    asked = ask(resources, experiment_id, format, baseline)
    content = asked.rendering.content(wait)
    if content is None:
        view = RenderingView(
            format=format,
            progress=asked.rendering.share,
            stage=asked.rendering.stage,
            location=asked.location,
        )
        headers = {"Location": asked.location, "Retry-After": "1"}
        return JSONResponse(view.model_dump(), 202, headers=headers)
    report = asked.report
    disposition = "attachment" if report.media_type == "application/zip" else "inline"
    name = f"{asked.experiment_id}.{report.extension}"
    return Response(
        content,
        media_type=report.media_type,
        headers={"Content-Disposition": f'{disposition}; filename="{name}"', **report.headers},
    )


def ask(resources: Resources, experiment_id: str, format: str, baseline: str) -> Asked:
    """Have a report made, unless that is under way or done. Raises ProblemError."""
    if format not in reports.names():
        raise invalid(fault("format", f"no such report format; known: {', '.join(reports.names())}", format))
    with resources.read() as session:
        comparison = compared(session, experiment_id, baseline)
        jobs = queries.get_experiment(session, experiment_id).jobs
        states = [(job.id, job.state.value, job.token) for job in jobs]
        steps = [job.step for job in jobs]
    made_of = sha256(f"{comparison.model_dump_json()}{states}".encode()).hexdigest()
    report, full_id = reports.get(format), comparison.experiment

    def make(tell: Tell) -> bytes:
        with resources.read() as session:
            dossier = dossier_of(session, resources.store, full_id, baseline=baseline, tell=tell)
            if report.has_images:
                tell(0.05, "drawing the images")
                examples, reason = report_images(session, resources, dossier.comparison)
                dossier = replace(dossier, examples=examples, no_examples=reason)
            tell(0.1, f"writing the {format} report")
            content = report.render(dossier)
        return content.encode() if isinstance(content, str) else content

    rendering = resources.renderings.get((full_id, format, baseline, made_of), make, as_of=steps)
    return Asked(full_id, report, baseline, rendering)


def compared(session: Session, experiment_id: str, baseline: str) -> Comparison:
    """The comparison of an experiment. Raises ProblemError where there is none."""
    experiment = queries.get_experiment(session, experiment_id)
    labels = {job.label for job in experiment.jobs if job.role != EXTERNAL}
    if baseline != "none" and baseline not in labels:
        raise invalid(fault("baseline", f"no such label; known: {', '.join(sorted(labels))}", baseline))
    try:
        return comparison_of(session, experiment.id, baseline=baseline)
    except IncomparableError as error:
        raise ProblemError(409, "incomparable", str(error)) from error
