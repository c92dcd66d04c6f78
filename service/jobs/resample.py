"""Draws the test images of recorded runs anew, once for each run, and keeps the AP of each draw.

`python -m service.jobs.resample` does what is left to do and ends. The keeper starts it, so that minutes of
arithmetic keep neither a request nor the queue waiting.
"""

import os
import sys
from io import BytesIO

import numpy as np
import structlog
from sqlalchemy import case, exists, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.match_arrays import MatchArrays
from service.artifacts import ArtifactMissingError, ArtifactStore, open_store
from service.comparison.bootstrap import Values, image_draws, resampled_ap
from service.comparison.draws import NUM_DRAWS, pack
from service.db.engine import create_engine, session_factory
from service.db.metrics import upsert
from service.db.models import Artifact, Job, ResampledAp
from service.db.states import JobState
from service.settings import Settings

_NICENESS = 15
_log = structlog.get_logger(__name__)


def next_matches(session: Session) -> Artifact | None:
    """Match arrays of a compared run that were not drawn from yet."""
    # where there is a test split, that is what comparisons report
    split = case((Job.spec["dataset"]["test"].as_string().is_(None), "val"), else_="test")
    statement = (
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(
            Job.experiment_id.is_not(None),
            Job.role.in_(("teacher", "student")),
            Job.state == JobState.SUCCEEDED,
            Artifact.name == "matches_" + split + ".npz",
            ~exists().where(ResampledAp.matches_sha256 == Artifact.sha256),
        )
        .order_by(Artifact.created_at, Artifact.id)
        .limit(1)
    )
    return session.scalars(statement).one_or_none()


def resample(factory: sessionmaker[Session], store: ArtifactStore) -> bool:
    """Draw from one run's match arrays; gives whether there was one. Raises OSError without the store."""
    with factory() as session:
        artifact = next_matches(session)
    if artifact is None:
        return False
    values = _drawn(store, artifact)
    row = {"matches_sha256": artifact.sha256, "num_draws": len(values), "values": pack(values)}
    with factory.begin() as session:
        upsert(session, ResampledAp, [row], key=("matches_sha256",))
    return True


def _drawn(store: ArtifactStore, artifact: Artifact) -> Values:
    """Nothing where the file holds no match arrays: it is not tried again."""
    try:
        with store.open(artifact.uri) as file:
            matches = MatchArrays.load(BytesIO(file.read()))
    except (ValueError, ArtifactMissingError) as error:
        _log.warning("matches.unreadable", artifact=artifact.id, error=str(error))
        return np.zeros(0)
    return resampled_ap(matches, image_draws(len(matches.image_ids), NUM_DRAWS))


def main() -> int:
    """Draw from everything that is left to draw from, for as long as the keeper is there."""
    os.nice(_NICENESS)
    keeper = os.getppid()
    settings = Settings()
    engine = create_engine(settings.resolved_database_url)
    store = open_store(settings.resolved_artifacts_url)
    try:
        while os.getppid() == keeper and resample(session_factory(engine), store):
            pass
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
