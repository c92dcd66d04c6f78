from pathlib import Path

import pytest
from pydantic import ValidationError

from service.operate.components import settings_environment
from service.settings import Settings


def test_a_lease_lasts_two_heartbeats_at_least() -> None:
    assert Settings(lease_seconds=10, heartbeat_seconds=5).lease_seconds == 10
    with pytest.raises(ValidationError, match="FRS_LEASE_SECONDS"):
        Settings(lease_seconds=9, heartbeat_seconds=5)


def test_folders_of_data_sets_are_absolute_with_colons_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_DATASET_ROOTS", "/srv/data:/mnt/more")
    assert Settings().dataset_roots == (Path("/srv/data"), Path("/mnt/more"))
    monkeypatch.setenv("FRS_DATASET_ROOTS", "data")
    with pytest.raises(ValidationError, match="give absolute folders"):
        Settings()


def test_a_process_that_is_started_reads_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in (
        Settings(),
        Settings(dataset_roots=(Path("/a"), Path("/b")), weights_hosts=("a.org", "b.org")),
    ):
        for name, text in settings_environment(given).items():
            monkeypatch.setenv(name, text)
        assert Settings() == given


def test_hosts_are_written_with_commas_and_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_WEIGHTS_HOSTS", "Example.org, mirror.local:8443")
    assert Settings().weights_hosts == ("example.org", "mirror.local:8443")
    monkeypatch.setenv("FRS_WEIGHTS_HOSTS", "")
    assert Settings().weights_hosts == ()


def test_secrets_come_from_files_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "frs_database_password").write_text("p@ss/word\n")
    (tmp_path / "frs_metrics_token").write_text("of-a-file")
    monkeypatch.setenv("FRS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("FRS_METRICS_TOKEN", "of-the-environment")
    monkeypatch.setenv("FRS_DATABASE_URL", "postgresql://frs@db:5432/frs?sslmode=require")
    settings = Settings()
    assert settings.metrics_token == "of-the-environment"
    assert settings.resolved_database_url == "postgresql://frs:p%40ss%2Fword@db:5432/frs?sslmode=require"
    assert "p@ss" not in repr(settings)


def test_a_password_in_the_address_is_the_one(tmp_path: Path) -> None:
    given = Settings(database_url="postgresql://frs:own@db/frs", database_password="other")
    assert given.resolved_database_url == "postgresql://frs:own@db/frs"
    assert Settings(data_dir=tmp_path, database_password="other").resolved_database_url.startswith("sqlite:")


def test_a_folder_of_secrets_that_is_not_there_holds_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FRS_SECRETS_DIR", str(tmp_path / "none"))
    assert Settings().metrics_token == ""


def test_a_log_level_is_one_that_there_is() -> None:
    assert Settings(log_level="debug").log_level == "DEBUG"
    with pytest.raises(ValidationError, match="INFO, WARNING"):
        Settings(log_level="loud")
