"""Who has a device keeps it for as long as any process that shares its lock is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from workers.device_locks import let_go, take

GPUS = ["GPU-one", "GPU/two"]


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_device_is_lent_once() -> None:
    first = take(GPUS, [0])
    assert set(first) == {0}
    second = take(GPUS, [0, 1])
    assert set(second) == {1}
    let_go(first)
    let_go(second)
    again = take(GPUS, [0, 1])
    assert set(again) == {0, 1}
    let_go(again)


def test_a_run_that_outlives_its_supervisor_keeps_its_device() -> None:
    locks = take(GPUS, [0])
    run = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=tuple(locks.values())
    )
    let_go(locks)
    assert take(GPUS, [0]) == {}
    run.communicate(b"\n")
    freed = take(GPUS, [0])
    assert set(freed) == {0}
    let_go(freed)
