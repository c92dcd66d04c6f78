"""The way of a child's log lines to the worker's stream."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.telemetry.logs import bound_contextvars, configure_logs
from workers.child_log import ENVIRONMENT, LOG_FILE, ChildLog, begin_child_log, bound_to_child


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[io.StringIO]:
    """The stream of a worker's log."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logs("worker", stream=stream)
    yield stream
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_only_ids_are_handed_to_a_child(worker: io.StringIO) -> None:
    with bound_contextvars(request_id="r1", job_id="j1", attempt=2, something="else"):
        handed = bound_to_child()
    assert json.loads(handed[ENVIRONMENT]) == {"request_id": "r1", "job_id": "j1", "attempt": 2}


def test_a_child_writes_its_lines_with_those_ids_and_prints_them_for_people(
    worker: io.StringIO, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin_child_log(tmp_path, {ENVIRONMENT: json.dumps({"request_id": "r1", "job_id": "j1"})})
    logging.getLogger("frs_core.run").warning("step %d", 7)
    [line] = [json.loads(text) for text in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert (line["event"], line["level"], line["component"]) == ("step 7", "warning", "child")
    assert (line["request_id"], line["job_id"]) == ("r1", "j1")
    assert capsys.readouterr().out.endswith(" step 7\n")


def test_without_a_supervisor_nothing_changes(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    begin_child_log(tmp_path, {})
    assert logging.getLogger().handlers == before
    assert not (tmp_path / LOG_FILE).exists()


def test_lines_are_logged_once_as_they_come_and_nothing_that_a_child_writes_forges_another(
    worker: io.StringIO, tmp_path: Path
) -> None:
    forged = {
        "event": "fine",
        "level": "error",
        "job_id": "another",
        "component": "api",
        "worker": "w9",
        "step": 3,
    }
    log = ChildLog(tmp_path)
    log.forward()
    file = tmp_path / LOG_FILE
    file.write_text(json.dumps(forged) + "\nno JSON \x1b[2K\n[1]\n" + '{"event": "half')
    with bound_contextvars(job_id="j1"):
        log.forward()
        log.forward()
        first = lines(worker)
        log.forward(final=True)
    assert [line["event"] for line in first] == ["fine", "no JSON \\x1b[2K", "[1]"]
    assert {line["job_id"] for line in first} == {"j1"}
    assert {line["component"] for line in first} == {"child"}
    assert first[0]["level"] == "error"
    assert first[0]["step"] == 3
    assert "worker" not in first[0]
    assert [line["event"] for line in lines(worker)][3:] == ['{"event": "half']
