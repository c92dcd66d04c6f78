import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from service.operate.processes import (
    MARKER,
    descendants,
    identify,
    kill,
    marked,
    own_identity,
    read_identity,
    wait_gone,
    write_identity,
)

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
PARENT_OF_SLEEP = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print('started', flush=True); time.sleep(60)",
]


def test_a_pid_file_names_the_process_again(tmp_path: Path) -> None:
    write_identity(tmp_path / "own.pid", own_identity())
    assert read_identity(tmp_path / "own.pid") == own_identity()
    assert own_identity().alive


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another"}])
def test_a_reused_pid_is_another_process(change: dict[str, object]) -> None:
    other = replace(own_identity(), **change)
    assert not other.alive
    other.send(signal.SIGKILL)  # this test goes on: nothing was signalled


@pytest.mark.parametrize("content", ["", "12", "{}", '{"pid": 1}'])
def test_an_unreadable_pid_file_names_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "some.pid").write_text(content)
    assert read_identity(tmp_path / "some.pid") is None
    assert read_identity(tmp_path / "absent.pid") is None


def test_a_zombie_is_not_running() -> None:
    process = subprocess.Popen(SLEEP)
    identity = identify(process.pid)
    assert identity is not None
    process.kill()
    assert not wait_gone({identity}, 5)  # not yet waited for, so it is a zombie
    process.wait()


def test_children_of_children_are_found_and_killed() -> None:
    parent = subprocess.Popen(PARENT_OF_SLEEP, stdout=subprocess.PIPE, env={**os.environ, MARKER: "/here:x"})
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    family = descendants(os.getpid())
    child = descendants(parent.pid)
    assert len(child) == 1
    assert child < family
    assert marked("/here:x") == {identify(parent.pid), *child}
    assert marked("/here:y") == set()
    assert kill(marked("/here:")) == set()
    parent.wait()
    parent.stdout.close()


def test_waiting_ends_at_once_when_in_a_hurry() -> None:
    assert wait_gone({own_identity()}, 60, hurry=lambda: True) == {own_identity()}
