"""`python -m workers [--devices 0,1] [celery worker options]`: a slot for each GPU, or one without any."""

import argparse
import os
import sys

from celery.bin.celery import celery

from service.settings import Settings
from service.telemetry.logs import configure_logs
from workers.devices import DevicesError, lent_gpus

OPTIONS = (
    "--quiet",
    "--app=workers.app",
    "worker",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "--loglevel=WARNING",
)


def main(arguments: list[str]) -> None:
    """Run the worker until it is told to stop, and exit; TERM hands its jobs back first.

    `--devices` are the GPUs that it lends to jobs, by number or uuid; `none` for none, all by default.
    """
    parser = argparse.ArgumentParser(prog="python -m workers", add_help=False, allow_abbrev=False)
    parser.add_argument("--devices")
    chosen, rest = parser.parse_known_args(arguments)
    if chosen.devices is not None:
        os.environ["FRS_DEVICES"] = chosen.devices
    settings = Settings()
    configure_logs("worker", level=settings.log_level, form=settings.log_format)
    try:
        lent_gpus(settings.devices)
    except DevicesError as error:
        sys.exit(str(error))
    # Not app.worker_main, which would forget the exit code.
    celery.main(args=[*OPTIONS, *rest], prog_name="python -m workers")


if __name__ == "__main__":
    main(sys.argv[1:])
