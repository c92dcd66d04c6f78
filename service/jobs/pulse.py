"""`python -m service.jobs.pulse`, a keeper's health check: 0 while leases are looked after."""

import sys
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from service.db.engine import create_engine, session_factory
from service.db.leases import now
from service.db.models import ChoreRuns
from service.settings import Settings

SILENT_SECONDS = 60.0


def main() -> int:
    """Whether the chore `reap` went well within the last minute: 0, or 1 with the reason."""
    settings = Settings()
    engine = create_engine(settings.resolved_database_url)
    try:
        with session_factory(engine, read_only=True)() as session:
            row = session.get(ChoreRuns, "reap")
            silence = timedelta(seconds=SILENT_SECONDS + settings.heartbeat_seconds)
            beats = row is not None and row.succeeded_at and row.succeeded_at > now(session) - silence
    except SQLAlchemyError as error:
        sys.stderr.write(f"the database cannot be asked: {type(error).__name__}\n")
        return 1
    finally:
        engine.dispose()
    if not beats:
        sys.stderr.write("no keeper has looked for lost leases for a minute\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
