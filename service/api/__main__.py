"""`python -m service.api`: serve the API and the dashboard until TERM or INT."""

import logging
import sys
import threading
from types import FrameType

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from service.api.app import create_app
from service.settings import Settings


class Server(uvicorn.Server):
    """Ends open event streams when it is asked to stop; they would hold it up until its patience ends."""

    def __init__(self, config: uvicorn.Config, closing: threading.Event) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, once the requests at hand are answered."""
        self._closing.set()
        super().handle_exit(sig, frame)


def main() -> None:
    """Serve with the settings of the environment. Log lines are JSON on standard error."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    settings = Settings()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = Server(config, app.state.closing)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    main()
