"""Connects to SQLite or PostgreSQL so that both keep the same promises, and brings the schema up to date."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_SECONDS = 30
_READ_ONLY = "frs_read_only"


class SchemaMismatchError(RuntimeError):
    """The database's schema is not the one this version works with."""


def create_engine(url: str | URL, *, foreign_keys: bool = True) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://...` (always through psycopg 3).

    `foreign_keys=False` is for migrations: SQLite changes a table by replacing it, and with enforcement
    the replacement would delete every row that points at it.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address, foreign_keys=foreign_keys)
    if address.get_backend_name() != "postgresql":
        raise ValueError(
            f"database_url is {address.render_as_string()}: give sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    return _postgresql_engine(address.set(drivername="postgresql+psycopg"))


def session_factory(engine: Engine, *, read_only: bool = False) -> sessionmaker[Session]:
    """Makes sessions; write with `with factory.begin() as session:`. Objects stay readable after the commit.

    A writing transaction on SQLite holds the write lock from its first statement, so a read can never be
    outdated by the time it is acted on. `read_only=True` makes sessions that take no lock and may only look.
    """
    if read_only:
        engine = engine.execution_options(**{_READ_ONLY: True, "postgresql_readonly": True})
    return sessionmaker(engine, expire_on_commit=False)


def upgrade(url: str | URL, revision: str = "head") -> None:
    """Create or upgrade the schema by the migrations that came with this version."""
    engine = create_engine(url, foreign_keys=False)
    try:
        with engine.begin() as connection:
            upgrade_within(connection, revision)
    finally:
        engine.dispose()


def upgrade_within(connection: Connection, revision: str = "head") -> None:
    """The same in the caller's transaction, whose engine was made with `foreign_keys=False`."""
    config = migrations_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    _check_references(connection)


def current_revision(connection: Connection) -> str | None:
    """The revision of a database; None where it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def is_known(revision: str) -> bool:
    """Whether this version can upgrade a database from there."""
    return revision in _revisions()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the whole database however long it reads; it holds up no writer."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.execution_options(**options).connect() as connection:
        yield connection


def check_schema(engine: Engine) -> None:
    """Raise SchemaMismatchError, naming the remedy, unless the database is at this version's revision."""
    with engine.execution_options(**{_READ_ONLY: True}).connect() as connection:
        check_revision(connection)


def check_revision(connection: Connection) -> None:
    """The same for what a transaction sees."""
    found = current_revision(connection)
    known = _revisions()
    if found == known[0]:
        return
    remedy = (
        "run `python -m migrations` with the same FRS_DATABASE_URL"
        if found in (None, *known)
        else "a newer version upgraded it: replace this one by that version"
    )
    raise SchemaMismatchError(
        f"the database is at schema {found or 'none'}, this version needs {known[0]}: {remedy}"
    )


@cache
def _revisions() -> tuple[str, ...]:
    """Those that came with this version, the newest first."""
    scripts = ScriptDirectory.from_config(migrations_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def migrations_config() -> Config:
    """Alembic's settings for the migrations beside this package, in a checkout or an installed wheel."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config


def _postgresql_engine(address: URL) -> Engine:
    return sqlalchemy.create_engine(
        address,
        pool_size=5,
        max_overflow=10,
        pool_timeout=30,
        pool_pre_ping=True,
        # A server that vanishes must not hold a heartbeat for longer than a lease lasts.
        connect_args={
            "connect_timeout": 10,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 25_000,
        },
        json_serializer=_to_json,
    )


def _sqlite_engine(address: URL, *, foreign_keys: bool) -> Engine:
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sqlalchemy.create_engine(
        address, connect_args={"timeout": BUSY_SECONDS}, json_serializer=_to_json
    )

    # SQLAlchemy's recipe for transactions that sqlite3 does not begin by itself
    # (dialects/sqlite/base.py, "Using SQLAlchemy to emit BEGIN").
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        # With NORMAL a power cut could take back a submission that was already acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise SchemaMismatchError(f"the upgrade would leave {len(broken)} rows without what they refer to")


_to_json = partial(json.dumps, allow_nan=False)
