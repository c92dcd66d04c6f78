"""The short form of `make chaos`."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.availability import unavailable
from tests.chaos.faults import BROKER_FAULTS
from tests.chaos.servers import postgres_binaries
from tests.chaos.soak import soak
from tests.fixtures.rabbit import RabbitProcess


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


@pytest.mark.timeout(150)
def test_nothing_is_lost_with_rabbitmq_that_is_killed_paused_and_emptied(rabbitmq: RabbitProcess) -> None:
    if postgres_binaries() is None:
        unavailable("no server to start: install the package postgresql")
    with tempfile.TemporaryDirectory(prefix="frs-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        line, wrong = soak(
            folder, seed=3, num_jobs=4, num_real=0, num_faults=7, seconds=140, pause_seconds=0.5,
            num_workers=2, num_steps=20, broker=rabbitmq, faults=BROKER_FAULTS,
        )  # fmt: skip
    assert wrong == [], line
    assert line.startswith("faults=7 jobs=4 lost=0 doubled=0 wrong=0 left=0")
