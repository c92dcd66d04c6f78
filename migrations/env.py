"""Runs migrations over the connection it is handed; the `alembic` command hands none, so it opens its own."""

from alembic import context
from sqlalchemy import Connection, text

from service.db.engine import create_engine
from service.db.models import Base
from service.settings import Settings

ADVISORY_LOCK = 7_301_846_113


def run(connection: Connection) -> None:
    """Migrate in one transaction; of two processes that upgrade at once the second finds nothing to do."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=True,
        # The engine begins SQLite's transactions itself, so they cover its schema changes too.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


def run_by_command() -> None:
    """Use `-x url=...`, else the service's own settings."""
    url = context.get_x_argument(as_dictionary=True).get("url") or Settings().resolved_database_url
    engine = create_engine(url, foreign_keys=False)
    with engine.begin() as connection:
        run(connection)
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations read the database they change: give them one instead of --sql")
if (handed := context.config.attributes.get("connection")) is not None:
    run(handed)
else:
    run_by_command()
