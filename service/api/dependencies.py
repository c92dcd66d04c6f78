"""What routes are handed: the process's resources, and a session per request."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Self

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from service.access.secret_file import shared_secret
from service.access.sessions import Sessions
from service.api import auditing
from service.api.problems import ProblemError
from service.api.readiness import Recent
from service.api.renderings import Renderings
from service.api.schema_gate import SchemaGate
from service.api.stream_places import StreamPlaces
from service.artifacts import ArtifactStore, open_store
from service.db import quotas
from service.db.census import Census, take_census
from service.db.engine import create_engine, session_factory
from service.images.cache import SizedCache
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.store import WatchedStore

MAX_LIMIT = 500
RECORDED_BYTES = 256 * 2**20


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Opened when the application starts. `closing` is set when it is about to end.

    `recorded` keeps what was read of runs' files and of data sets.
    """

    settings: Settings
    engine: Engine
    read: sessionmaker[Session]
    write: sessionmaker[Session]
    store: ArtifactStore
    closing: threading.Event
    renderings: Renderings
    metrics: Metrics
    schema: SchemaGate
    sessions: Sessions
    stream_places: StreamPlaces
    readiness: Recent[Any] = field(default_factory=Recent)
    recorded: SizedCache = field(default_factory=lambda: SizedCache(RECORDED_BYTES))

    @classmethod
    def open(cls, settings: Settings, closing: threading.Event, metrics: Metrics) -> Self:
        """Connects lazily: a database that is down makes requests fail, not the process."""
        engine = create_engine(settings.resolved_database_url)
        read = session_factory(engine, read_only=True)
        metrics.read(partial(_census, read), relays=bool(settings.broker_url))
        write = session_factory(engine)
        auditing.record(write)
        quotas.enforce(write)
        return cls(
            settings=settings,
            engine=engine,
            read=read,
            write=write,
            store=WatchedStore(open_store(settings.resolved_artifacts_url), metrics.store_errors),
            closing=closing,
            renderings=Renderings(),
            metrics=metrics,
            schema=SchemaGate(engine),
            stream_places=StreamPlaces(per_key=settings.streams_per_key, in_all=settings.max_streams),
            sessions=Sessions(settings.session_secret or shared_secret(settings.run_dir / "session_secret")),
        )

    def close(self) -> None:
        """Closes the connections."""
        self.renderings.close()
        self.engine.dispose()


def _census(read: sessionmaker[Session]) -> Census:
    with read() as session:
        return take_census(session)


def _resources(request: Request) -> Resources:
    found = request.app.state.resources
    assert isinstance(found, Resources)
    return found


Res = Annotated[Resources, Depends(_resources)]


def _reading(resources: Res) -> Iterator[Session]:
    with resources.read() as session:
        yield session


def _writing(resources: Res) -> Iterator[Session]:
    with resources.write.begin() as session:
        yield session


# Function scope: what comes after `yield`, the commit, happens before the response leaves.
Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]


def json_only(request: Request) -> None:
    """Refuses bodies that do not say that they are JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        given = media_type[:100] or "nothing"
        raise ProblemError(
            415,
            "unsupported-media-type",
            f"Content-Type is {given}: send JSON with Content-Type: application/json",
        )


def no_null(value: str | None) -> str | None:
    """Refuses text that PostgreSQL cannot compare with."""
    if value is not None and "\0" in value:
        raise ValueError("holds a null character; remove it")
    return value


RowLabel = Annotated[str, Path(max_length=200), AfterValidator(no_null)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before; leave out for the first")
]
LongCursor = Annotated[
    str | None, Query(max_length=4000, description="As `cursor` elsewhere; it holds for one order only")
]
