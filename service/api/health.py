"""Is the process alive, and can it serve?"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from fastapi import APIRouter
from kombu.exceptions import KombuError
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from service.api.dependencies import Res, Resources
from service.api.problems import FieldFault, ProblemError, fault
from service.api.views import View
from service.artifacts import ArtifactError
from service.broker import CONNECT_SECONDS, make_celery
from service.db.engine import SchemaMismatchError, check_schema
from service.db.types import new_id

router = APIRouter(tags=["health"])
_PROBE = b"ready?\n"
_log = structlog.get_logger(__name__)


class HealthView(View):
    """`status` is ok; for readiness each check says ok or what is wrong."""

    status: str
    checks: dict[str, str] = Field(default={})


@dataclass(frozen=True)
class Look:
    """What one look at all parts found: each that works, and what is wrong with the others."""

    results: dict[str, str] = field(default_factory=dict)
    faults: list[FieldFault] = field(default_factory=list)


class _NotReadyError(Exception):
    """Why a check failed, in words that may leave the server."""


@router.get("/healthz")
def healthz() -> HealthView:
    """The process is alive."""
    return HealthView(status="ok")


@router.get("/readyz")
async def readyz(resources: Res) -> HealthView:
    """Database, artifact store and broker are there; else a 503 problem that names what is not.

    A server without a broker says `polling`: its workers look for jobs by themselves. The answer is at most
    2 s old.
    """
    found = await resources.readiness.get(partial(_look, resources))
    if found.faults:
        detail = "; ".join(f"{item.field}: {item.message}" for item in found.faults)
        raise ProblemError(503, "not-ready", detail, faults=found.faults)
    return HealthView(status="ok", checks=found.results)


def _look(resources: Resources) -> Look:
    found = Look()
    for name, check in _CHECKS.items():
        try:
            found.results[name] = _run(name, check, resources)
        except _NotReadyError as error:
            found.faults.append(fault(name, str(error)))
    return found


def _run(name: str, check: Callable[[Resources], str], resources: Resources) -> str:
    try:
        return check(resources)
    except SchemaMismatchError as error:
        raise _NotReadyError(str(error)) from error
    except (SQLAlchemyError, ArtifactError, KombuError, OSError) as error:
        _log.warning("readiness.failed", check=name, error=str(error))
        reason = f"cannot be reached or used ({type(error).__name__}); the server's log says more"
        raise _NotReadyError(reason) from error


def _database(resources: Resources) -> str:
    check_schema(resources.engine)
    return "ok"


def _artifacts(resources: Resources) -> str:
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe"
        probe.write_bytes(_PROBE)
        uri = resources.store.put(probe, f"readiness/{new_id()}", hashlib.sha256(_PROBE).hexdigest())
    resources.store.delete(uri)
    return "ok"


def _broker(resources: Resources) -> str:
    if not resources.settings.broker_url:
        return "polling"
    with make_celery(resources.settings).connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS, interval_start=0.1)
    return "ok"


_CHECKS: dict[str, Callable[[Resources], str]] = {
    "database": _database,
    "artifacts": _artifacts,
    "broker": _broker,
}
