"""The way in and out: a key becomes a browser session, and ends with it."""

import re
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from service.access.keys import parse_key
from service.access.redirects import HOME, LOGIN, local_address
from service.access.sessions import MAX_AGE_SECONDS, BrowserSession
from service.api.access import session_of
from service.api.authentication import unauthenticated, verify
from service.api.dependencies import Res, Resources, Writing
from service.api.form_body import FormBody
from service.api.problems import ProblemError
from service.api.same_origin import same_origin
from service.dashboard.rendering import render
from service.db import api_keys
from service.db.types import utc_now

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Next = Annotated[str, Query(alias="next", max_length=2000)]
_TICKET = re.compile(r"[\w-]{22}", re.ASCII)


@router.get("/login")
def show_login(request: Request, wanted: Next = HOME) -> HTMLResponse:
    """The page that asks for a key."""
    return _page(request, local_address(wanted))


@router.post("/login", dependencies=[Depends(same_origin)])
def log_in(request: Request, resources: Res, body: FormBody) -> Response:
    """Open a session for a key and go where the person wanted; the page with the reason otherwise."""
    wanted = local_address(body.get("next", [HOME])[0])
    try:
        caller = verify(resources, parse_key(body.get("key", [""])[0].strip()))
    except ProblemError as problem:
        return _page(request, wanted, problem.detail, status_code=problem.status)
    return _entered(request, resources, caller.key_id, wanted)


@router.get("/login/{ticket}", dependencies=[Depends(same_origin)])
def enter_with_ticket(request: Request, resources: Res, session: Writing, ticket: str) -> Response:
    """Open a session for the key that the ticket was made for, which uses the ticket up."""
    key = api_keys.take_ticket(session, ticket, utc_now()) if _TICKET.fullmatch(ticket) else None
    if key is None:
        raise unauthenticated("this link was used before or is too old: `frs open` makes another one")
    return _entered(request, resources, key.id, HOME)


@router.post("/logout")
def log_out(request: Request, resources: Res, session: Writing) -> Response:
    """End the session, so that no copy of its cookie holds either."""
    ended = session_of(request.scope)
    if ended is not None:
        lifetime = timedelta(seconds=MAX_AGE_SECONDS)
        api_keys.end_session(session, ended.sha256, utc_now(), lifetime=lifetime)
    answer = RedirectResponse(LOGIN, status_code=303)
    answer.delete_cookie(resources.sessions.cookie, httponly=True, samesite="lax")
    return answer


def _page(request: Request, wanted: str, refusal: str = "", *, status_code: int = 200) -> HTMLResponse:
    return render(request, "login.html", status_code=status_code, wanted=wanted, refusal=refusal)


def _entered(request: Request, resources: Resources, key_id: str, wanted: str) -> Response:
    answer = RedirectResponse(wanted, status_code=303)
    answer.set_cookie(
        resources.sessions.cookie,
        resources.sessions.write(BrowserSession.of(key_id)),
        max_age=MAX_AGE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=resources.settings.secure_cookies or request.url.scheme == "https",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
