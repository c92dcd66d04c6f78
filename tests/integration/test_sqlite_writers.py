"""Several processes write to one SQLite file at once, as the parts of the embedded system do."""

import multiprocessing

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from frs_core.events import MetricEvent
from service.db import ledger
from service.db.engine import create_engine, session_factory
from service.db.models import Job, MetricPoint
from service.db.states import AttemptState, JobState
from tests.fixtures.submissions import Submit

NUM_WRITERS, NUM_BATCHES, BATCH = 4, 40, 50


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _write(url: str) -> None:
    """What a supervisor does: claim, report, keep the lease, finish. A locked database would end it."""
    engine = create_engine(url)
    sessions = session_factory(engine)
    with sessions.begin() as session:
        worker_id = ledger.register_worker(session, host="here", pid=1, version="0", devices={})
    with sessions.begin() as session:
        claim = ledger.claim(session, worker_id, gpus=0, lease_seconds=60)
    assert claim is not None
    for batch in range(NUM_BATCHES):
        steps = range(BATCH * batch, BATCH * (batch + 1))
        events = [MetricEvent(time=0.0, step=step, values={"train/loss": float(step)}) for step in steps]
        with sessions.begin() as session:
            ledger.record(session, claim.lease, events)
        with sessions.begin() as session:
            ledger.heartbeat(session, claim.lease, lease_seconds=60)
    with sessions.begin() as session:
        ledger.finish(session, claim.lease, ledger.Ending(state=AttemptState.SUCCEEDED))
    engine.dispose()


def test_four_writers_at_once_are_never_refused(
    sqlite_url: str, sessions: sessionmaker[Session], submit: Submit
) -> None:
    for number in range(NUM_WRITERS):
        submit(name=f"experiment {number}")
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(sqlite_url,)) for _ in range(NUM_WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * NUM_WRITERS
    with sessions() as session:
        succeeded = select(func.count()).where(Job.state == JobState.SUCCEEDED)
        assert session.scalar(succeeded) == NUM_WRITERS
        assert session.scalar(select(func.count(MetricPoint.step))) == NUM_WRITERS * NUM_BATCHES * BATCH
