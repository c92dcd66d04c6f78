"""The pages for people: server-rendered, kept current by server-sent events."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from service.access.redirects import LOGIN, login_address
from service.api.problems import ProblemError, clean
from service.dashboard import (
    audit,
    compare,
    datasets,
    experiment,
    experiments,
    images,
    job,
    login,
    report,
    storage,
    submit,
    webhooks,
    workers,
)
from service.dashboard.rendering import render

_STATIC = Path(__file__).parent / "static"


def install(app: FastAPI) -> None:
    """Serve the pages at / and their files at /static."""
    for page in (
        login,
        experiments,
        compare,
        datasets,
        experiment,
        images,
        job,
        report,
        storage,
        submit,
        workers,
        webhooks,
        audit,
    ):
        app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")


def show_problem(request: Request, problem: ProblemError) -> Response:
    """A page that says what is wrong and leads back; to who is not logged in, the way to log in."""
    if problem.status == 401 and request.method == "GET" and not request.url.path.startswith(LOGIN):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(login_address(f"{request.url.path}{query}"), status_code=303)
    return render(
        request,
        "problem.html",
        status_code=problem.status,
        title=problem.title,
        message=clean(problem.detail, 2000),
        request_id=request.scope.get("request_id"),
    )
