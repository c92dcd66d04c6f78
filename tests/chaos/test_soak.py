"""The short form of `make chaos`."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.availability import unavailable
from tests.chaos.servers import postgres_binaries
from tests.chaos.soak import soak


@pytest.mark.timeout(240)
def test_a_system_that_is_hurt_loses_nothing_does_nothing_twice_and_nothing_wrong() -> None:
    if postgres_binaries() is None or not (shutil.which("redis-server") or shutil.which("valkey-server")):
        unavailable("no servers to start: install the packages postgresql and redis-server")
    with tempfile.TemporaryDirectory(prefix="frs-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user where the tests run as root
        line, wrong = soak(
            folder, seed=20, num_jobs=16, num_real=0, num_faults=40, seconds=220, pause_seconds=0.8
        )
    assert wrong == [], line
    assert line.startswith("faults=40 jobs=16 lost=0 doubled=0 wrong=0 left=0")
