"""The mirror while its server is not there: what `test_mlflow.py` needs no MLflow for."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.db import mirrored
from service.db.models import Job, MlflowRun
from service.db.types import utc_now
from service.jobs.mirror import mirror_next
from service.mirrors.mlflow_server import MlflowAwayError, MlflowServer
from tests.fixtures.ledgers import Hand
from tests.fixtures.receivers import Receiver
from tests.fixtures.submissions import Submit

Sessions = sessionmaker[Session]


def test_while_it_is_away_nothing_is_lost(sessions: Sessions, submit: Submit, hand: Hand) -> None:
    submit()
    lease = hand.take()
    with MlflowServer("http://127.0.0.1:1", "") as nowhere, pytest.raises(MlflowAwayError):
        mirror_next(sessions, nowhere, "")
    with sessions() as session:
        assert mirrored.jobs_behind(session, limit=9) == [lease.job_id]
        assert session.get(MlflowRun, lease.job_id) is None


def test_its_token_is_sent_and_a_refusal_of_it_is_no_fault_of_the_job(
    sessions: Sessions, submit: Submit, hand: Hand, receiver: Receiver
) -> None:
    submit()
    hand.take()
    receiver.status = 403
    with (
        MlflowServer(f"http://{receiver.host}", "secret") as server,
        pytest.raises(MlflowAwayError, match="403"),
    ):
        mirror_next(sessions, server, "")
    assert receiver.received[0].headers["authorization"] == "Bearer secret"
    with sessions() as session:
        assert mirrored.has_work(session)


def test_what_is_told_already_is_no_work(sessions: Sessions, submit: Submit, hand: Hand) -> None:
    submit()
    with sessions() as session:
        assert not mirrored.has_work(session)  # nothing has begun
    lease = hand.take()
    with sessions.begin() as session:
        mirrored.note(session, lease.job_id, run_id="r", state="running", steps={})
    with sessions() as session:
        assert not mirrored.has_work(session)  # it was told a moment ago
    hand.finish(lease)
    with sessions.begin() as session:
        session.get_one(MlflowRun, lease.job_id).not_before = utc_now()
    with sessions.begin() as session:
        assert mirrored.jobs_behind(session, limit=9) == [lease.job_id]
        mirrored.note(session, lease.job_id, run_id="r", state="succeeded", steps={})
        session.get_one(MlflowRun, lease.job_id).not_before = utc_now()
    with sessions() as session:
        assert not mirrored.has_work(session)


def test_a_job_that_was_deleted_meanwhile_is_forgotten(
    sessions: Sessions, submit: Submit, hand: Hand
) -> None:
    submit()
    lease = hand.take()
    hand.finish(lease)
    with sessions.begin() as session:
        session.delete(session.get_one(Job, lease.job_id))
    with sessions.begin() as session:
        mirrored.note(session, lease.job_id, run_id="r", state="running", steps={})
        mirrored.note_failure(session, lease.job_id, "no")
        assert mirrored.news_of(session, lease.job_id) is None
        assert session.get(MlflowRun, lease.job_id) is None
