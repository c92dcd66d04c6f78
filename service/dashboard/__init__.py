"""The pages for people: server-rendered, kept current by server-sent events."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from service.dashboard import pages, workers

_STATIC = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Serve the pages at / and their files at /static."""
    app.include_router(pages.router)
    app.include_router(workers.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
