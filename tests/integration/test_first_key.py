"""The first start: a key for this machine, or none at all where others could reach the server."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from service.access.keys import parse_key
from service.access.roles import Role
from service.access.secret_file import write_secret
from service.db import api_keys
from service.db.engine import create_engine, session_factory
from service.db.types import utc_now
from service.operate.errors import OperateError
from service.operate.first_key import check_before_serving, create_first_key, ensure_local_key
from service.settings import Settings


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    """Of a server whose database has no key yet."""
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url="", artifacts_url="")


@pytest.fixture
def sessions(settings: Settings) -> sessionmaker[Session]:
    return session_factory(create_engine(settings.database_url))


def local_key(settings: Settings, sessions: sessionmaker[Session]) -> str:
    """The key in the file, which must be that of a valid admin."""
    text = settings.admin_key_file.read_text().strip()
    key = parse_key(text)
    assert key is not None
    with sessions() as session:
        row = api_keys.find_key(session, key.key_id)
        assert row is not None
        assert key.matches(row.secret_sha256)
        assert (row.role, api_keys.is_valid(row, utc_now())) == (Role.ADMIN, True)
    return text


def test_the_first_start_makes_a_key_that_only_its_owner_can_read(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    check_before_serving(settings)
    first = local_key(settings, sessions)
    assert stat.S_IMODE(settings.admin_key_file.stat().st_mode) == 0o600
    check_before_serving(settings)
    ensure_local_key(create_engine(settings.database_url), settings)
    assert local_key(settings, sessions) == first
    with sessions() as session:
        assert len(api_keys.list_keys(session)) == 1


def test_a_local_key_that_no_longer_holds_is_replaced(
    settings: Settings, sessions: sessionmaker[Session]
) -> None:
    engine = create_engine(settings.database_url)
    write_secret(settings.admin_key_file, f"frs_{'0' * 16}_{'A' * 22}")  # of a database that was removed
    ensure_local_key(engine, settings)
    first = local_key(settings, sessions)
    with sessions.begin() as session:
        api_keys.list_keys(session)[0].revoked_at = utc_now()
    ensure_local_key(engine, settings)
    assert local_key(settings, sessions) != first


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "gpu-server"])
def test_no_address_that_others_reach_is_served_before_there_is_a_key(
    settings: Settings, sessions: sessionmaker[Session], host: str
) -> None:
    exposed = settings.model_copy(update={"host": host})
    with pytest.raises(OperateError, match=r"frs key create --local --role admin") as refused:
        check_before_serving(exposed)
    assert host in str(refused.value)
    assert not settings.admin_key_file.exists()
    create_first_key(settings, name="the admin")
    check_before_serving(exposed)
    assert not settings.admin_key_file.exists()


def test_an_expired_key_is_as_good_as_none(settings: Settings) -> None:
    create_first_key(settings, name="was here", expires_at=utc_now())
    with pytest.raises(OperateError, match="there is no key"):
        check_before_serving(settings.model_copy(update={"host": "0.0.0.0"}))


def test_a_key_for_a_database_that_is_not_migrated_says_what_to_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(OperateError, match="python -m migrations"):
        create_first_key(settings, name="early")


def test_the_process_refuses_and_the_command_makes_the_key(settings: Settings, repo_root: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FRS_")}
    environment |= {"FRS_DATA_DIR": str(settings.data_dir), "FRS_DATABASE_URL": settings.database_url}

    def run(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env=environment | more, cwd=repo_root, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    refused = run("service.api", FRS_HOST="0.0.0.0", FRS_PORT="0")
    assert refused.returncode == 1
    assert "frs key create --local --role admin" in refused.stderr
    assert "Traceback" not in refused.stderr
    made = run("service.cli.main", "key", "create", "--local", "--role", "admin", "--name", "ada")
    assert made.returncode == 0, made.stderr
    assert parse_key(made.stdout.strip()) is not None
    check_before_serving(settings.model_copy(update={"host": "0.0.0.0"}))
