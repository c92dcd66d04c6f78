"""The soak's checks find what they are there to find."""

from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from service.artifacts import open_store
from service.db.models import Attempt, Job
from tests.chaos.invariants import Wanted, doubled, lost, wrong
from tests.fixtures.ledgers import Hand
from tests.fixtures.submissions import Submit


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url")
    return url


def test_what_has_not_ended_or_is_not_there_is_lost(sessions: sessionmaker[Session], submit: Submit) -> None:
    wanted = {submit(): Wanted(num_jobs=3, cancelled=False), "0" * 16: Wanted(num_jobs=3, cancelled=False)}
    with sessions() as session:
        assert len(list(lost(session, wanted))) == 3 + 1


def test_what_runs_still_or_was_not_asked_for_or_skips_a_token_is_doubled(
    sessions: sessionmaker[Session], submit: Submit, hand: Hand
) -> None:
    submit()
    lease = hand.take()
    with sessions.begin() as session:
        assert len(list(doubled(session, {}))) == 2
        session.execute(update(Attempt).values(token=5))
        assert any("tokens [5] to 1" in each for each in doubled(session, {}))
    assert lease.token == 1


def test_a_success_without_its_points_and_weights_and_a_failure_are_wrong(
    sessions: sessionmaker[Session], submit: Submit, hand: Hand, tmp_path: Path
) -> None:
    experiment_id = submit(max_attempts=1)
    wanted = {experiment_id: Wanted(num_jobs=3, cancelled=False)}
    hand.finish(hand.take())
    hand.fail(hand.take())
    with sessions.begin() as session:
        session.execute(update(Job).where(Job.state == "queued").values(state="succeeded"))
        found = list(wrong(session, wanted, open_store(tmp_path.as_uri()), num_steps=3))
    assert [sum(text in each for each in found) for text in ("metrics", "weights", "failed")] == [2, 2, 2]
