import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.operate import supervisor as module
from service.operate.child import marker
from service.operate.components import Component
from service.operate.errors import ComponentError
from service.operate.folder import SystemFolder
from service.operate.processes import ProcessIdentity, marked, read_identity
from service.operate.supervisor import Supervisor

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True); "
    "print('up', flush=True); time.sleep(60)"
)


def component(code: str, name: str = "part", grace_seconds: float = 5.0) -> Component:
    return Component(
        name=name,
        command=(sys.executable, "-c", code),
        environment=dict(os.environ),
        grace_seconds=grace_seconds,
    )


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> SystemFolder:
    made = SystemFolder(tmp_path)
    made.create()
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watcher(folder: SystemFolder, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(module, "FIRST_BACKOFF_SECONDS", 0.01)
    return Supervisor(folder, said.append)


def identity(folder: SystemFolder, name: str = "part") -> ProcessIdentity:
    found = read_identity(folder.pid_file(name))
    assert found is not None
    return found


def test_stopping_ends_even_what_ignores_term_and_its_children(
    folder: SystemFolder, watcher: Supervisor, said: list[str]
) -> None:
    watcher.start(component(STUBBORN, grace_seconds=0.2))
    watcher.wait_until(lambda: "up" in folder.log_file("part").read_text(), "part", 10)
    family = marked(marker(folder, "part"))
    assert len(family) == 2
    watcher.stop_all()
    assert not any(process.alive for process in family)
    assert not folder.pid_file("part").exists()
    assert said == ["part did not end in time and was killed"]


def test_parts_stop_in_reverse_order(folder: SystemFolder, watcher: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    note = (
        "import signal, sys, time, pathlib\n"
        "def end(*_):\n"
        f"    with open({str(order)!r}, 'a') as f: f.write(sys.argv[1])\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    for name in ("a", "b", "c"):
        part = component(note, name)
        watcher.start(Component(name=name, command=(*part.command, name), environment=part.environment))
        watcher.wait_until(lambda name=name: "up" in folder.log_file(name).read_text(), name, 10)
    watcher.stop_all()
    assert order.read_text() == "cba"


def test_a_crashed_part_is_started_again(folder: SystemFolder, watcher: Supervisor, said: list[str]) -> None:
    watcher.start(component(SLEEP))
    first = identity(folder)
    thread = threading.Thread(target=watcher.watch)
    thread.start()
    first.send(9)
    until(lambda: identity(folder) != first)
    watcher.request_stop()
    thread.join()
    second = identity(folder)
    assert second.alive
    watcher.stop_all()
    assert not second.alive
    assert "was ended by signal 9; starting it again" in said[0]


def test_a_part_that_never_stays_up_ends_the_watch_with_its_log(watcher: Supervisor) -> None:
    watcher.start(component("import sys; sys.exit('no such database')"))
    with pytest.raises(ComponentError, match=r"(?s)ended with code 1 for the 6th time.*no such database"):
        watcher.watch()
    watcher.stop_all()


def test_a_part_that_ends_while_starting_is_an_error_with_its_log(watcher: Supervisor) -> None:
    watcher.start(component("import sys; sys.exit('port in use')"))
    with pytest.raises(ComponentError, match=r"(?s)ended with code 1 while.*port in use"):
        watcher.wait_until(lambda: False, "part", 10)
    watcher.stop_all()


def test_a_part_that_is_never_ready_is_an_error(watcher: Supervisor) -> None:
    watcher.start(component(SLEEP))
    with pytest.raises(ComponentError, match="part was not ready in 0 s"):
        watcher.wait_until(lambda: False, "part", 0.1)
    watcher.stop_all()


def test_asked_twice_no_more_grace_is_given(folder: SystemFolder, watcher: Supervisor) -> None:
    watcher.start(component(STUBBORN, grace_seconds=60))
    watcher.wait_until(lambda: "up" in folder.log_file("part").read_text(), "part", 10)
    watcher.request_stop()
    watcher.request_stop()
    started = time.monotonic()
    watcher.stop_all()
    assert time.monotonic() - started < 10
    assert not marked(marker(folder, "part"))
