"""The keeper's diary: what its chores did goes to the database, where all that ask find the same."""

from collections.abc import Sequence

from sqlalchemy.orm import Session, sessionmaker

from service.db.chore_runs import add_runs
from service.jobs.chores import Chore

DIARY = "diary"
NOTE_SECONDS = 5.0


def note_chores(factory: sessionmaker[Session], chores: Sequence[Chore]) -> bool:
    """Add what the chores did since they were last noted; always False, for there is no more to do."""
    done = [chore for chore in chores if chore.num_runs]
    counts = {chore.name: (chore.num_runs, chore.num_failed) for chore in done}
    if counts:
        with factory.begin() as session:
            add_runs(session, counts)
    for chore in done:
        chore.num_runs = chore.num_failed = 0
    return False
