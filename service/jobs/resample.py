"""Draws the test images of recorded runs anew, once for each run, and keeps the AP of each draw.

`python -m service.jobs.resample` does what is left to do and ends. The keeper starts it, so that minutes of
arithmetic keep neither a request nor the queue waiting.
"""

import os
import sys
from collections.abc import Collection
from datetime import timedelta

import numpy as np
import structlog
from sqlalchemy import Select, case, exists, func, select
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import ArtifactMissingError, ArtifactStore, open_store
from service.comparison.bootstrap import Values, image_draws, resampled_ap
from service.comparison.draws import NUM_DRAWS, pack
from service.comparison.match_files import read_matches
from service.db.engine import create_engine, session_factory
from service.db.leases import now
from service.db.models import Artifact, Event, Job, ResampledAp
from service.db.outside import EXTERNAL
from service.db.states import JobState
from service.db.types import utc_now
from service.db.upsert import upsert
from service.settings import Settings
from service.telemetry.logs import configure_logs

RESAMPLED = "experiment.resampled"
"""The kind of the event that tells of new draws."""

LOST_AFTER = timedelta(days=1)
"""A file that is not in the store so long after it was recorded will not come back."""

_NICENESS = 15
_log = structlog.get_logger(__name__)


def next_matches(session: Session, absent: Collection[str] = ()) -> Artifact | None:
    """Match arrays of a compared run that were not drawn from yet, but for those of these hashes."""
    statement = _not_drawn().where(Artifact.sha256.not_in(absent))
    return session.scalars(statement.order_by(Artifact.created_at, Artifact.id).limit(1)).one_or_none()


def awaits_draws(session: Session, experiment_id: str) -> bool:
    """Whether the experiment's differences still lack their intervals."""
    return (
        session.scalars(_not_drawn().where(Job.experiment_id == experiment_id).limit(1)).first() is not None
    )


def _not_drawn() -> Select[Artifact]:
    # where there is a test split, that is what comparisons report
    split = case((Job.spec["dataset"]["test"].as_string().is_(None), "val"), else_="test")
    return (
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(
            Job.experiment_id.is_not(None),
            Job.role.in_(("teacher", "student", EXTERNAL)),
            Job.state == JobState.SUCCEEDED,
            Artifact.name.in_(("matches_test.npz", "matches_val.npz")),  # by these the index finds them
            Artifact.name == "matches_" + split + ".npz",
            ~exists().where(ResampledAp.matches_sha256 == Artifact.sha256),
        )
    )


def resample(factory: sessionmaker[Session], store: ArtifactStore, absent: set[str]) -> bool:
    """Draw from one run's match arrays; gives whether there was one. Raises OSError without the store.

    One whose file is not there is added to `absent`: the store may be back later.
    """
    with factory() as session:
        artifact = next_matches(session, absent)
    if artifact is None:
        return False
    values = _drawn(store, artifact)
    if values is None:
        absent.add(artifact.sha256)
        return True
    row = {"matches_sha256": artifact.sha256, "num_draws": len(values), "values": pack(values)}
    with factory.begin() as session:
        upsert(session, ResampledAp, [row], key=("matches_sha256",))
        tell(session, artifact.sha256)
    return True


def tell(session: Session, sha256: str) -> None:
    """Leave an event with each experiment whose comparison this may change."""
    statement = (
        select(Job.experiment_id, func.min(Job.name))
        .join(Artifact, Artifact.job_id == Job.id)
        .where(Artifact.sha256 == sha256, Job.experiment_id.is_not(None))
        .group_by(Job.experiment_id)
    )
    moment = now(session)
    for experiment_id, name in session.execute(statement).all():
        message = f"{name}: its images were drawn anew, for the interval of its difference"
        session.add(Event(experiment_id=experiment_id, kind=RESAMPLED, message=message, created_at=moment))


def _drawn(store: ArtifactStore, artifact: Artifact) -> Values | None:
    """None where the file is not there yet. Nothing where it is lost or holds no match arrays: it is not
    tried again.
    """
    try:
        with store.open(artifact.uri) as file:
            matches = read_matches(file.read())
        return resampled_ap(matches, image_draws(len(matches.image_ids), NUM_DRAWS))
    except ArtifactMissingError as error:
        _log.warning("matches.missing", artifact=artifact.id, error=str(error))
        return None if utc_now() - artifact.created_at < LOST_AFTER else np.zeros(0)
    except (ValueError, IndexError) as error:
        _log.warning("matches.unreadable", artifact=artifact.id, error=str(error))
        return np.zeros(0)


def main() -> int:
    """Draw from everything that is left to draw from, for as long as the keeper is there.

    Returns the exit code: 1 where a file was not there.
    """
    os.nice(_NICENESS)
    keeper = os.getppid()
    settings = Settings()
    configure_logs("resample", level=settings.log_level, form=settings.log_format)
    engine = create_engine(settings.resolved_database_url)
    store = open_store(settings.resolved_artifacts_url)
    absent: set[str] = set()
    try:
        while os.getppid() == keeper and resample(session_factory(engine), store, absent):
            pass
    finally:
        engine.dispose()
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
