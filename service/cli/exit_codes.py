"""What the `frs` command's exit code says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Stable: scripts depend on them."""

    OK = 0
    FAILED = 1  # the experiment or job failed or was cancelled; up, doctor: the system is not well
    USAGE = 2  # bad usage, a file that is not a valid experiment, or settings that cannot be used
    UNREACHABLE = 3  # no server answers
    REFUSED = 4  # the server has no such thing, or refuses
    TIMEOUT = 5  # what was waited for with --timeout goes on
    DETACHED = 130  # Ctrl-C
    CLOSED = 141  # who read the output went away, as `head` does


HELP = (
    "Exit codes: 0 done; 1 the experiment or job failed or was cancelled; 2 bad usage or an invalid file; "
    "3 no server answers; 4 not found, ambiguous, or refused by the server; "
    "5 still going on after --timeout; 130 detached by Ctrl-C; 141 the reader of the output went away."
)
