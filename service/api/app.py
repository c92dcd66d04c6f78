"""Puts the application together: routes under /api/v1, health beside it, the dashboard at /."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.middleware.exceptions import ExceptionMiddleware

from service import dashboard
from service.api import (
    audit,
    catalogue,
    cited,
    clone,
    compare,
    comparison,
    control,
    dataset_images,
    datasets,
    events,
    experiments,
    extension,
    external,
    files,
    health,
    images,
    imports,
    jobs,
    keys,
    links,
    logs,
    me,
    metrics,
    observations,
    perimeter,
    plans,
    predictions,
    refusals,
    rendering,
    security,
    storage,
    transfer,
    usage,
    webhooks,
    workers,
)
from service.api.access import confirm
from service.api.admission import Admission
from service.api.dependencies import Resources
from service.api.route_table import RouteTable
from service.api.timing import RequestTiming
from service.datasets.files import remove_unfinished
from service.settings import Settings
from service.telemetry.metrics import Metrics

BASE_PATH = "/api/v1"
OPENAPI_PATH = f"{BASE_PATH}/openapi.json"


def create_app(settings: Settings) -> FastAPI:
    """The application. Database and artifact store are opened when it starts and closed at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.routes = app.state.routes or RouteTable(app)
        await run_in_threadpool(remove_unfinished, app.state.settings)
        resources = Resources.open(app.state.settings, app.state.closing, app.state.metrics)
        app.state.resources = resources
        try:
            yield
        finally:
            resources.close()
            await app.state.counter.close()

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
        dependencies=[Depends(confirm)],
    )
    app.state.settings, app.state.routes = settings, None
    app.state.closing = threading.Event()
    app.state.metrics = Metrics()
    api = APIRouter(prefix=BASE_PATH)
    for module in (
        experiments,
        plans,
        transfer,
        comparison,
        compare,
        images,
        jobs,
        control,
        clone,
        extension,
        predictions,
        external,
        cited,
        observations,
        logs,
        files,
        links,
        imports,
        storage,
        catalogue,
        dataset_images,
        datasets,
        workers,
        events,
        audit,
        usage,
        webhooks,
        me,
        keys,
    ):
        api.include_router(module.router)
    app.include_router(api)
    app.include_router(health.router)
    app.include_router(metrics.router)
    dashboard.install(app)
    rendering.install(app, dashboard.show_problem)
    perimeter.guard_inside(app, settings)
    app.add_middleware(Admission)
    app.add_middleware(ExceptionMiddleware, handlers=app.exception_handlers)  # of what the admission refuses
    perimeter.guard_outside(app, settings)
    app.add_middleware(RequestTiming, metrics=app.state.metrics)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Make the OpenAPI document say who may do what, and what else may be answered."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                openapi_version="3.2.0",  # the first that can describe a stream of events
            )
            security.describe(document, app.state.routes)
            refusals.describe(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
