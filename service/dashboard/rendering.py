"""How a page is made of a template: strict about names, escaped by default, numbers by `numbers` alone."""

import json
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.access.policy import may
from service.api.access import caller_of, session_of
from service.api.job_views import job_progress
from service.comparison.differences import short
from service.dashboard import numbers
from service.dashboard.changes import changes

PLACES = (
    ("/", "Experiments", "show_experiments"),
    ("/submit", "Submit", "show_form"),
    ("/compare", "Compare", "show_comparison"),
    ("/datasets", "Data", "show_datasets"),
    ("/workers", "Workers", "show_workers"),
    ("/storage", "Storage", "show_storage"),
    ("/audit", "Audit", "show_audit"),
)
"""The pages that the header leads to, for those who may see them: address, name, route."""
_NUMBERS = ("points", "spread", "change", "percent", "loss", "duration", "size", "moment", "ago")


def render(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """The page, never kept by a browser: what it shows changes."""
    return _templates.TemplateResponse(
        request, template, values, status_code=status_code, headers={"Cache-Control": "no-store"}
    )


def drawing(svg: str) -> Markup:
    """A figure's SVG as it is: its texts were escaped when it was drawn."""
    return Markup(svg)  # noqa: S704  # nosec B704  # a figure of ours


def pretty(value: Any) -> str:
    """A document as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _access(request: Request) -> dict[str, Any]:
    """Who looks at the page, the token of its changes, and `may(route, thing)` to hide what is refused."""
    caller, session = caller_of(request.scope), session_of(request.scope)

    def allowed(route: str, thing: Any = None) -> bool:
        return caller is not None and may(caller, route, getattr(thing, "owner_key_id", None))

    return {"caller": caller, "csrf_token": session.csrf_token if session else "", "may": allowed}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = lambda name: f"/static/{name}"
    environment.globals["places"] = PLACES
    environment.filters.update({name: getattr(numbers, name) for name in _NUMBERS})
    environment.filters.update(
        progress_of=job_progress, zip=zip, drawing=drawing, pretty=pretty, setting=short, changes=changes
    )
    return environment


_templates = Jinja2Templates(env=_environment(), context_processors=[_access])
