"""Checks the registered data sets that wait for it.

`python -m service.jobs.check_datasets` does what is left to do and ends. The keeper starts it, so that
unpacking and reading gigabytes keep neither a request nor the queue waiting.
"""

import os
import sys

from service.artifacts import open_store
from service.datasets.checking import check_next
from service.db.engine import create_engine, session_factory
from service.settings import Settings

_NICENESS = 10


def main() -> int:
    """Check everything that waits, for as long as the keeper is there."""
    os.nice(_NICENESS)
    keeper = os.getppid()
    settings = Settings()
    engine = create_engine(settings.resolved_database_url)
    store = open_store(settings.resolved_artifacts_url)
    try:
        while os.getppid() == keeper and check_next(session_factory(engine), store, settings):
            pass
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
