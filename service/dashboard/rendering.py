"""How a page is made of a template: strict about names, escaped by default, numbers by `numbers` alone."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.api.schemas import job_progress
from service.dashboard import numbers

_NUMBERS = ("points", "spread", "change", "percent", "loss", "duration", "size", "moment", "ago")


def render(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """The page, never kept by a browser: what it shows changes."""
    return _templates.TemplateResponse(
        request, template, values, status_code=status_code, headers={"Cache-Control": "no-store"}
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = lambda name: f"/static/{name}"
    environment.filters.update({name: getattr(numbers, name) for name in _NUMBERS})
    environment.filters.update(progress_of=job_progress, zip=zip)
    return environment


_templates = Jinja2Templates(env=_environment())
