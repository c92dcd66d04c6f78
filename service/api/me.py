"""The caller itself: what its key allows, and a way into the dashboard with it."""

from datetime import datetime

from fastapi import APIRouter, Response

from service.api.access import CallerDep
from service.api.bodies import JsonRoute
from service.api.dependencies import Reading, Writing
from service.api.key_views import KeyView
from service.api.views import View
from service.db import api_keys, queries
from service.db.types import utc_now

router = APIRouter(route_class=JsonRoute, tags=["keys"])


class TicketView(View):
    """An address on this server that logs a browser in, once and until `expires_at`."""

    path: str
    expires_at: datetime


@router.get("/me")
def get_me(session: Reading, caller: CallerDep) -> KeyView:
    """The key that this request came with: its name, role, expiry and limits."""
    return KeyView.of(queries.get_key(session, caller.key_id), utc_now())


@router.post("/tickets", status_code=201)
def create_ticket(session: Writing, caller: CallerDep, response: Response) -> TicketView:
    """Make an address that opens the dashboard for this key: once, and within minutes."""
    ticket, expires_at = api_keys.create_ticket(session, caller.key_id, utc_now())
    response.headers["Cache-Control"] = "no-store"
    return TicketView(path=f"/login/{ticket}", expires_at=expires_at)
