"""`python -m workers [celery worker options]`: one worker: a slot for each GPU, else one slot."""

import sys

from workers.app import app

OPTIONS = (
    "--quiet",
    "worker",
    "--without-gossip",
    "--without-mingle",
    "--without-heartbeat",
    "--loglevel=WARNING",
)


def main(arguments: list[str]) -> None:
    """Run the worker until it is told to stop; TERM hands its jobs back first."""
    app.worker_main([*OPTIONS, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
