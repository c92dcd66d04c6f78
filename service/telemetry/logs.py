"""How every process logs: one line an event, to standard error, as JSON or for people.

Lines of structlog, of the standard library (uvicorn, Celery, SQLAlchemy, mmengine) and warnings all take this
way, so none goes round `clean_event`. What a request or an attempt binds is on each line below it.
"""

import contextvars
import logging
import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars
from structlog.stdlib import ProcessorFormatter
from structlog.types import EventDict, Processor

from service.telemetry.clean import clean_event

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_CHATTY = ("celery", "kombu", "amqp", "alembic", "botocore", "boto3", "urllib3", "httpx", "httpcore", "PIL")
"""Libraries of whose progress nobody wants to hear; their warnings are heard."""


class LogFormat(StrEnum):
    """Who reads the lines."""

    JSON = "json"
    CONSOLE = "console"


def configure_logs(
    component: str,
    *,
    level: str = "INFO",
    form: LogFormat = LogFormat.JSON,
    stream: TextIO | None = None,
) -> None:
    """Send all log lines of this process through one handler; `component` says of each which process it was.

    What ends the process unforeseen, or one of its threads, is a line too. Calling it again replaces the
    former configuration.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(component, form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.redirected"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(component),
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _log_crashes()


def formatter(component: str, form: LogFormat = LogFormat.JSON) -> logging.Formatter:
    """What turns a record of either library into one line."""
    render: Processor = _for_people if form is LogFormat.CONSOLE else structlog.processors.JSONRenderer()
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_repeats, *_shared(component)],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            clean_event,
            render,
        ],
    )


def current_request_id() -> str | None:
    """The id of the request that is being served; None outside of one."""
    found = get_contextvars().get("request_id")
    return found if isinstance(found, str) else None


def with_log_context(target: Callable[[], None]) -> Callable[[], None]:
    """`target`, with what is bound here on its lines too: a new thread begins with nothing bound."""
    context = contextvars.copy_context()
    return lambda: context.run(target)


def _shared(component: str) -> list[Processor]:
    def name_component(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.setdefault("component", component)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_component,
    ]


def _without_repeats(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Drop what other formatters leave on a record: the message again, with a time or in colours."""
    for name in ("message", "asctime", "color_message"):
        event.pop(name, None)
    return event


def _for_people(_logger: Any, _method: str, event: EventDict) -> str:
    """`12:30:05 warning  api  event  name=value ...`; a traceback below it, set in, so that it is no line."""
    moment, level = str(event.pop("timestamp", ""))[11:19], event.pop("level", "")
    component, name = event.pop("component", ""), event.pop("event", "")
    event.pop("logger", None)
    below = [event.pop(each) for each in ("exception", "stack") if each in event]
    shown = {key: repr(value) if " " in str(value) else str(value) for key, value in event.items()}
    fields = " ".join(f"{key}={value}" for key, value in shown.items())
    text = f"{moment} {level:<8} {component:<10} {name}" + (f"  {fields}" if fields else "")
    return "\n    | ".join([text, *(line for part in below for line in str(part).split("\n"))])


def _log_crashes() -> None:
    log = structlog.get_logger("service.telemetry")

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("process.crashed", exc_info=(kind, error, trace))

    def thread_crashed(given: threading.ExceptHookArgs) -> None:
        if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
            trace = (given.exc_type, given.exc_value, given.exc_traceback)
            log.critical("thread.crashed", thread=given.thread and given.thread.name, exc_info=trace)

    sys.excepthook = crashed
    threading.excepthook = thread_crashed


__all__ = [
    "LEVELS",
    "LogFormat",
    "bind_contextvars",
    "bound_contextvars",
    "configure_logs",
    "current_request_id",
    "formatter",
    "get_contextvars",
    "with_log_context",
]
