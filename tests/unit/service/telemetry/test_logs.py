"""Log lines as others read them: one line an event, no secrets, nothing that could pass for another line."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service.telemetry.logs import LogFormat, bound_contextvars, configure_logs, with_log_context

KEY = "frs_0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUV"
HOSTILE = 'done"}\n{"event": "forged"}\r\x1b[2K\x1b]0;title\x07\x85\x9b31m\u202eabc\u2028\u2066\x00'


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    root = logging.getLogger()
    before, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    yield
    root.handlers[:] = before
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_lines_of_both_libraries_have_one_form_and_what_is_bound_here(stream: io.StringIO) -> None:
    configure_logs("api", stream=stream)
    with bound_contextvars(request_id="r1", job_id="j1"):
        structlog.get_logger("ours").info("request", status=200)
        logging.getLogger("uvicorn.error").warning("%s went", "it")
    ours, theirs = logged(stream)
    for line in (ours, theirs):
        assert {"timestamp", "level", "logger", "component"} <= set(line)
        assert (line["request_id"], line["job_id"], line["component"]) == ("r1", "j1", "api")
    assert (ours["event"], ours["status"]) == ("request", 200)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it went", "warning", "uvicorn.error")


@pytest.mark.parametrize("form", LogFormat)
def test_no_value_passes_for_a_line_or_moves_a_terminal(stream: io.StringIO, form: LogFormat) -> None:
    configure_logs("api", form=form, stream=stream)
    structlog.get_logger().warning(HOSTILE, path=HOSTILE, **{"a\nb": [HOSTILE, {"x\x1b": HOSTILE}]})
    logging.getLogger("other").error("%s", HOSTILE)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    said = "".join(lines) if form is LogFormat.CONSOLE else "".join(str(line) for line in logged(stream))
    # as a person sees it, after the JSON was decoded again
    assert not set(said) & set("\n\r\x1b\x07\x85\x9b\u202e\u2028\u2066\x00")
    assert "\\x1b[2K" in said or "\\\\x1b[2K" in said


@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_is_part_of_its_line(stream: io.StringIO, form: LogFormat) -> None:
    configure_logs("api", form=form, stream=stream)
    try:
        int(f"first\n2026-01-01 forged {KEY}")
    except ValueError:
        structlog.get_logger().exception("failed")
    text = stream.getvalue()
    assert "Traceback" in text
    assert "ABCDEFGHIJKLMNOPQRSTUV" not in text
    first, *rest = text.splitlines()
    assert "failed" in first
    assert all(line.startswith("    | ") for line in rest)
    assert bool(rest) == (form is LogFormat.CONSOLE)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("header", "Authorization: Bearer abcdef0123456789", "Bearer"),
        ("key", KEY, "frs_0123456789abcdef_"),
        ("url", "postgresql+psycopg://frs:SECRET@db:5432/frs", "postgresql+psycopg://frs:"),
        ("url", "redis://:SECRET@redis:6379/0", "redis://:"),
        ("url", "amqp://frs:SE@CRET@rabbit//", "@rabbit//"),
        ("reason", 'connection failed: host=db user=frs password="SECRET"', "user=frs"),
        ("query", "https://store/x?X-Amz-Signature=SECRETSECRET&a=1", "a=1"),
        ("authorization", "SECRET", ""),
        ("set_cookie", "session=SECRET", ""),
        ("s3_secret_key", ["SECRET"], ""),
        ("headers", {"Authorization": "SECRET", "X-Request-ID": "r1"}, "r1"),
    ],
)
def test_secrets_do_not_reach_a_line(stream: io.StringIO, name: str, value: object, kept: str) -> None:
    configure_logs("api", stream=stream)
    structlog.get_logger().info("said", **{name: value})
    text = stream.getvalue()
    assert "[redacted]" in text
    assert kept in text
    for secret in ("SECRET", "SE@CRET", "abcdef0123456789", "ABCDEFGHIJKLMNOPQRSTUV"):
        assert secret not in text


def test_the_fencing_token_of_a_lease_is_no_secret(stream: io.StringIO) -> None:
    configure_logs("worker", stream=stream)
    structlog.get_logger().info("lease", token=3)
    assert logged(stream)[0]["token"] == 3


def test_the_level_holds_for_both_libraries_and_chatter_needs_a_warning(stream: io.StringIO) -> None:
    configure_logs("api", level="ERROR", stream=stream)
    structlog.get_logger().warning("quiet")
    logging.getLogger("kombu").warning("quiet")
    assert stream.getvalue() == ""
    configure_logs("api", level="DEBUG", stream=stream)
    structlog.get_logger().debug("heard")
    logging.getLogger("celery.worker").info("chatter")
    logging.getLogger("celery.worker").warning("trouble")
    assert [line["event"] for line in logged(stream)] == ["heard", "trouble"]


def test_warnings_and_what_ends_a_process_or_a_thread_are_lines(stream: io.StringIO) -> None:
    configure_logs("keeper", stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)  # anew, for pytest catches warnings itself
        warnings.warn("beware", stacklevel=1)
    error = ValueError("the end")
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=lambda: 1 / 0, name="side")
    thread.start()
    thread.join()
    warning, process, side = logged(stream)
    assert "beware" in warning["event"]
    assert (process["event"], process["level"]) == ("process.crashed", "critical")
    assert "the end" in process["exception"]
    assert (side["event"], side["thread"]) == ("thread.crashed", "side")


def test_a_thread_logs_what_was_bound_where_it_was_made(stream: io.StringIO) -> None:
    configure_logs("worker", stream=stream)
    with bound_contextvars(job_id="j1"):
        thread = threading.Thread(target=with_log_context(lambda: structlog.get_logger().info("beat")))
    thread.start()
    thread.join()
    assert logged(stream)[0]["job_id"] == "j1"


def test_a_line_for_people_begins_with_time_level_and_component(stream: io.StringIO) -> None:
    configure_logs("keeper", form=LogFormat.CONSOLE, stream=stream)
    structlog.get_logger().warning("lease.expired", job_id="j1", reason="its worker is gone")
    words = stream.getvalue().split()
    assert words[1:5] == ["warning", "keeper", "lease.expired", "job_id=j1"]
    assert "reason='its worker is gone'" in stream.getvalue()
