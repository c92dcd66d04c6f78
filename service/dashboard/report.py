"""Shows how far a report is, and hands it over when it is done."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.api.comparison import Baseline, Format, ask
from service.api.dependencies import Res
from service.api.problems import ProblemError
from service.dashboard.rendering import render

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
WAIT_SECONDS = 1.0


@router.get("/experiments/{experiment_id}/report")
def show_report(
    request: Request, resources: Res, experiment_id: str, format: Format = "html", baseline: Baseline = "none"
) -> Response:
    """The report where it is done, else a page that asks again."""
    asked = ask(resources, experiment_id, format, baseline)
    if asked.rendering.has_failed(WAIT_SECONDS):
        if "hx-request" in request.headers:
            return Response(headers={"HX-Redirect": str(request.url)})  # where it is said, and asked no more
        message = f"the {format} report could not be made; the server's log says why"
        raise ProblemError(500, "report-failed", message)
    if asked.rendering.content(WAIT_SECONDS) is None:
        here = f"/experiments/{asked.experiment_id}/report?format={quote(format)}&baseline={quote(baseline)}"
        return render(request, "report.html", asked=asked, here=here)
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": asked.location})
    return RedirectResponse(asked.location, 303)
