"""What the keepers did, counted by all of them in one place."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from service.db.leases import now
from service.db.models import ChoreRuns
from service.db.upsert import upsert


def add_runs(session: Session, counts: Mapping[str, tuple[int, int]]) -> None:
    """Count runs, and how many of them failed, by chore. Several keepers may do so at once."""
    moment = now(session)
    rows = [{"chore": chore, "runs": 0, "failures": 0} for chore in sorted(counts)]
    upsert(session, ChoreRuns, rows, key=("chore",))
    for chore, (runs, failures) in sorted(counts.items()):
        changes: dict[str, Any] = {"runs": ChoreRuns.runs + runs, "failures": ChoreRuns.failures + failures}
        if runs > failures:
            changes["succeeded_at"] = moment
        statement = update(ChoreRuns).where(ChoreRuns.chore == chore).values(changes)
        session.execute(statement, execution_options={"synchronize_session": False})
