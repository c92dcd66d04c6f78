"""`python -m workers [celery worker options]`: one worker: a slot for each GPU, else one slot."""

import sys

from workers.app import app

OPTIONS = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--quiet", "--loglevel=WARNING")


def main(arguments: list[str]) -> None:
    """Run the worker until it is told to stop; TERM hands its jobs back first."""
    app.worker_main(["worker", *OPTIONS, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
