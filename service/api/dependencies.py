"""What routes are handed: the process's resources, and a session per request."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Query, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from service.api.problems import ProblemError
from service.artifacts import ArtifactStore, open_store
from service.db.engine import create_engine, session_factory
from service.settings import Settings

MAX_LIMIT = 500


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Opened when the application starts. `closing` is set when it is about to end."""

    settings: Settings
    engine: Engine
    read: sessionmaker[Session]
    write: sessionmaker[Session]
    store: ArtifactStore
    closing: threading.Event

    @classmethod
    def open(cls, settings: Settings, closing: threading.Event) -> Self:
        """Connects lazily: a database that is down makes requests fail, not the process."""
        engine = create_engine(settings.resolved_database_url)
        return cls(
            settings=settings,
            engine=engine,
            read=session_factory(engine, read_only=True),
            write=session_factory(engine),
            store=open_store(settings.resolved_artifacts_url),
            closing=closing,
        )

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()


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


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most so many items")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before; leave out for the first")
]
