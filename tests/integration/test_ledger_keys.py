"""Keys and tickets in both kinds of database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.access.roles import Role
from service.db import api_keys
from service.db.models import ApiKey
from service.db.types import utc_now


@pytest.fixture
def key_id(sessions: sessionmaker[Session]) -> str:
    with sessions.begin() as session:
        return api_keys.create_key(session, name="ada", role=Role.ADMIN)[0].id


def test_of_many_who_bring_one_ticket_one_gets_in(sessions: sessionmaker[Session], key_id: str) -> None:
    with sessions.begin() as session:
        ticket, _ = api_keys.create_ticket(session, key_id, utc_now())

    def enter(_: int) -> bool:
        with sessions.begin() as session:
            return api_keys.take_ticket(session, ticket, utc_now()) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(enter, range(8))) == 1


def test_a_ticket_ends_by_itself_and_with_its_key(sessions: sessionmaker[Session], key_id: str) -> None:
    moment = utc_now()
    with sessions.begin() as session:
        old, ends = api_keys.create_ticket(session, key_id, moment)
        other, _ = api_keys.create_ticket(session, key_id, moment)
    with sessions.begin() as session:
        assert api_keys.take_ticket(session, old, ends) is None
        session.get_one(ApiKey, key_id).revoked_at = moment
    with sessions.begin() as session:
        assert api_keys.take_ticket(session, other, moment) is None


def test_use_is_noted_by_the_first_of_a_minute(sessions: sessionmaker[Session], key_id: str) -> None:
    moment = utc_now()
    noted = []
    for seconds in (0, 59, 60):
        with sessions.begin() as session:
            api_keys.note_use(session, key_id, moment + timedelta(seconds=seconds))
        with sessions() as session:
            noted.append(session.get_one(ApiKey, key_id).last_used_at)
    assert noted == [moment, moment, moment + timedelta(seconds=60)]


def test_a_key_holds_until_it_expires_or_is_revoked(sessions: sessionmaker[Session], key_id: str) -> None:
    moment = utc_now()
    with sessions.begin() as session:
        key = session.get_one(ApiKey, key_id)
        key.expires_at = moment + timedelta(seconds=1)
        assert api_keys.is_valid(key, moment)
        assert not api_keys.is_valid(key, moment + timedelta(seconds=1))
        assert api_keys.has_valid_key(session, moment)
        session.flush()
        assert not api_keys.has_valid_key(session, moment + timedelta(seconds=1))


def test_one_admin_is_always_left(sessions: sessionmaker[Session], key_id: str) -> None:
    moment = utc_now()
    with sessions.begin() as session:
        lapsed, _ = api_keys.create_key(session, name="lapsed", role=Role.ADMIN, expires_at=moment)
        with pytest.raises(api_keys.LastAdminError, match="ada is the last key of an admin"):
            api_keys.revoke_key(session, session.get_one(ApiKey, key_id), moment)
        api_keys.revoke_key(session, lapsed, moment)
        api_keys.create_key(session, name="second", role=Role.ADMIN)
        api_keys.revoke_key(session, session.get_one(ApiKey, key_id), moment)
        assert session.get_one(ApiKey, key_id).revoked_at == moment
