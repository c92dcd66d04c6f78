"""The page of the webhooks: whom each tells of what, and how the last deliveries went."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.api.access import CallerDep
from service.api.dependencies import Reading
from service.api.webhooks import visible
from service.dashboard.rendering import render
from service.db import webhooks
from service.db.leases import now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 50


@router.get("/webhooks")
def show_webhooks(request: Request, session: Reading, caller: CallerDep) -> HTMLResponse:
    """The webhooks that the caller may see, and what they were told last."""
    found = visible(session, caller)
    return render(
        request,
        "webhooks.html",
        webhooks=found,
        deliveries=webhooks.last_deliveries(session, [row.id for row in found], limit=SHOWN),
        shown=SHOWN,
        now=now(session),
    )
