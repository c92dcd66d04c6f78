"""`python -m service.api`: serve the API and the dashboard until TERM or INT."""

import sys
import threading
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from service.api.app import create_app
from service.operate.errors import OperateError
from service.operate.first_key import check_before_serving
from service.settings import Settings
from service.telemetry.logs import configure_logs


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
    """Serve with the settings of the environment."""
    settings = Settings()
    configure_logs("api", level=settings.log_level, form=settings.log_format)
    try:
        check_before_serving(settings)
    except OperateError as error:
        sys.exit(f"error: {error}")
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the application judges them: `FRS_TRUSTED_PROXIES`
        timeout_graceful_shutdown=10,
    )
    server = Server(config, app.state.closing)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    main()
