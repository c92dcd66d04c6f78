"""The page of the audit trail: who changed what, and when."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from service.api.audit import asked_entries
from service.api.dependencies import Cursor, Reading
from service.dashboard.rendering import render
from service.db import trail
from service.db.trail import Wanted

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
SHOWN = 100


@router.get("/audit")
def show_audit(
    request: Request,
    session: Reading,
    wanted: Annotated[Wanted, Depends(asked_entries)],
    cursor: Cursor = None,
) -> HTMLResponse:
    """Some entries, newest first, with what narrows them down."""
    page = trail.list_entries(session, wanted, limit=SHOWN, cursor=cursor)
    return render(
        request,
        "audit.html",
        entries=page.items,
        next_cursor=page.next_cursor,
        wanted=wanted,
        actions=trail.actions(session),
        is_first=cursor is None,
    )
