"""Keys that are made on the server's own machine: that of the embedded system, and a deployment's first."""

from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.access.keys import parse_key
from service.access.roles import Role
from service.access.secret_file import read_secret, write_secret
from service.db import api_keys
from service.db.engine import create_engine, session_factory
from service.db.types import utc_now
from service.operate.errors import OperateError
from service.settings import Settings

LOCAL_NAME = "local"
REMEDY = "make one with `frs key create --local --role admin --name NAME`, with the same settings"


def create_first_key(
    settings: Settings, *, name: str, role: Role = Role.ADMIN, expires_at: datetime | None = None
) -> str:
    """Make a key in the database that the settings name; who can reach that needs no other. Gives the key."""
    engine = create_engine(settings.resolved_database_url)
    try:
        with session_factory(engine).begin() as session:
            return str(api_keys.create_key(session, name=name, role=role, expires_at=expires_at)[1])
    except SQLAlchemyError as error:
        raise OperateError(
            f"the database takes no key ({type(error).__name__}): is FRS_DATABASE_URL right, and has "
            "`python -m migrations` been run?"
        ) from error
    finally:
        engine.dispose()


def check_before_serving(settings: Settings) -> None:
    """See that somebody can get in before the API listens. Makes the local key where nobody else can.

    Raises OperateError for an address that others can reach, while there is no key. A database that cannot be
    read is left alone: without it every request is refused anyway.
    """
    engine = create_engine(settings.resolved_database_url)
    try:
        with session_factory(engine).begin() as session:
            if api_keys.has_valid_key(session, utc_now()):
                return
            if not is_loopback(settings.host):
                raise OperateError(
                    f"FRS_HOST is {settings.host}, where others may reach it, and there is no key: {REMEDY}"
                )
            _make_local_key(session, settings)
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()


def ensure_local_key(engine: Engine, settings: Settings) -> None:
    """The embedded system's own admin key is there, and in its file."""
    with session_factory(engine).begin() as session:
        found = parse_key(read_secret(settings.admin_key_file) or "")
        row = None if found is None else api_keys.find_key(session, found.key_id)
        holds = row is not None and api_keys.is_valid(row, utc_now())
        if found is None or row is None or not holds or not found.matches(row.secret_sha256):
            _make_local_key(session, settings)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _make_local_key(session: Session, settings: Settings) -> None:
    _, key = api_keys.create_key(session, name=LOCAL_NAME, role=Role.ADMIN)
    write_secret(settings.admin_key_file, str(key))
