"""`python -m workers [celery worker options]`: one worker: a slot for each GPU, else one slot."""

import sys

from celery.bin.celery import celery

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
    """Run the worker until it is told to stop, and exit; TERM hands its jobs back first."""
    # Not app.worker_main, which would forget the exit code.
    celery.main(args=[*OPTIONS, *arguments], prog_name="python -m workers")


if __name__ == "__main__":
    main(sys.argv[1:])
