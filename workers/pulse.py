"""`python -m workers.pulse`, a worker's health check: 0 while its heart beats in the ledger."""

import socket
import sys
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from service.db.engine import create_engine, session_factory
from service.db.leases import now
from service.db.models import Worker
from service.settings import Settings


def main() -> int:
    """Whether a worker of this host was heard of within a lease's length: 0, or 1 with the reason."""
    settings = Settings()
    engine = create_engine(settings.resolved_database_url)
    try:
        with session_factory(engine, read_only=True)() as session:
            since = now(session) - timedelta(seconds=settings.lease_seconds)
            here = (
                Worker.host == socket.gethostname(),
                Worker.state == "online",
                Worker.heartbeat_at > since,
            )
            beats = session.scalars(select(Worker.id).where(*here).limit(1)).one_or_none() is not None
    except SQLAlchemyError as error:
        sys.stderr.write(f"the database cannot be asked: {type(error).__name__}\n")
        return 1
    finally:
        engine.dispose()
    if not beats:
        sys.stderr.write(f"no worker of {socket.gethostname()} was heard of\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
