"""Puts the application together: routes under /api/v1, health beside it, the dashboard at /."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from service import dashboard
from service.api import (
    catalogue,
    clone,
    comparison,
    control,
    events,
    experiments,
    extension,
    files,
    health,
    jobs,
    middleware,
    observations,
    plans,
    predictions,
    problems,
    rendering,
    transfer,
    workers,
)
from service.api.dependencies import Resources
from service.settings import Settings

BASE_PATH = "/api/v1"
OPENAPI_PATH = f"{BASE_PATH}/openapi.json"
_PROBLEM = {"content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be served as it is", **_PROBLEM},
    "5XX": {"description": "The server failed or is not ready", **_PROBLEM},
}


def create_app(settings: Settings) -> FastAPI:
    """The application. Database and artifact store are opened when it starts and closed at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.resources = Resources.open(settings, app.state.closing)
        try:
            yield
        finally:
            app.state.resources.close()

    app = FastAPI(
        title="FRS Distill",
        version=version("frs-distill"),
        description="Distils object detectors and compares the results.",
        lifespan=lifespan,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
    )
    app.state.closing = threading.Event()
    api = APIRouter(prefix=BASE_PATH, responses=_ERRORS)
    for module in (
        experiments,
        plans,
        transfer,
        comparison,
        jobs,
        control,
        clone,
        extension,
        predictions,
        observations,
        files,
        catalogue,
        workers,
        events,
    ):
        api.include_router(module.router)
    app.include_router(api)
    app.include_router(health.router, responses=_ERRORS)
    dashboard.install(app)
    rendering.install(app)
    app.add_middleware(
        middleware.BodyLimit,
        limit_bytes=settings.max_request_bytes,
        upload_limit_bytes=settings.max_upload_bytes,
    )
    app.add_middleware(middleware.RequestLog)
    app.add_middleware(middleware.SecurityHeaders)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Make the OpenAPI document name the one form that all errors have."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                openapi_version="3.2.0",  # the first that can describe a stream of events
            )
            problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(problem.pop("$defs", {}), Problem=problem)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
