from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session, sessionmaker

from service.db.models import Job
from service.db.states import JobState
from service.db.types import ID_LENGTH, UtcDateTime, is_id, named_values, new_id
from tests.fixtures.submissions import Submit


def test_new_ids_have_the_form_of_ids_and_differ() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_id(value) for value in ids)


@pytest.mark.parametrize(
    "text", ["", "0" * (ID_LENGTH - 1), "0" * (ID_LENGTH + 1), "I" * 16, "/weights/abc.pth"]
)
def test_other_texts_are_not_ids(text: str) -> None:
    assert not is_id(text)


def test_a_moment_comes_back_in_utc(sessions: sessionmaker[Session], submit: Submit) -> None:
    submit()
    moment = datetime(2026, 3, 29, 2, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5)))
    with sessions.begin() as session:
        session.scalars(select(Job)).first().not_before = moment
    with sessions() as session:
        found = session.scalars(select(Job.not_before).where(Job.not_before.is_not(None))).one()
    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_a_zone_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), sqlite.dialect())


def test_enums_are_stored_as_their_values_and_come_back_as_enums(
    sessions: sessionmaker[Session], submit: Submit
) -> None:
    submit()
    plain = Table("jobs", MetaData(), Column("position", Integer), Column("state", String))
    with sessions() as session:
        stored = session.scalars(select(plain.c.state).order_by(plain.c.position)).all()
        states = session.scalars(select(Job.state).order_by(Job.position)).all()
    assert stored == ["queued", "waiting", "waiting"]
    assert states == [JobState.QUEUED, JobState.WAITING, JobState.WAITING]
    assert all(isinstance(state, JobState) for state in states)


def test_a_state_that_is_none_is_refused(sessions: sessionmaker[Session]) -> None:
    with sessions() as session, pytest.raises((StatementError, LookupError)):
        session.scalars(select(Job).where(Job.state == "flying")).all()


def test_an_enum_column_holds_every_value() -> None:
    assert named_values(JobState).enums == [state.value for state in JobState]
