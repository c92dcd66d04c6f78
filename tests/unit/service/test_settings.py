import pytest
from pydantic import ValidationError

from service.settings import Settings


def test_a_lease_lasts_two_heartbeats_at_least() -> None:
    assert Settings(lease_seconds=10, heartbeat_seconds=5).lease_seconds == 10
    with pytest.raises(ValidationError, match="FRS_LEASE_SECONDS"):
        Settings(lease_seconds=9, heartbeat_seconds=5)


def test_hosts_are_written_with_commas_and_may_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRS_WEIGHTS_HOSTS", "Example.org, mirror.local:8443")
    assert Settings().weights_hosts == ("example.org", "mirror.local:8443")
    monkeypatch.setenv("FRS_WEIGHTS_HOSTS", "")
    assert Settings().weights_hosts == ()
