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
ASK_NO_MORE = 286
"""The status by which htmx ends its polling: a report that is saved to a file leaves its page as it is."""


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
    is_done = asked.rendering.content(WAIT_SECONDS) is not None
    if is_done and "hx-request" not in request.headers:
        return RedirectResponse(asked.location, 303)
    here = f"/experiments/{asked.experiment_id}/report?format={quote(format)}&baseline={quote(baseline)}"
    status = ASK_NO_MORE if is_done else 200
    return render(request, "report.html", status_code=status, asked=asked, here=here, is_done=is_done)
