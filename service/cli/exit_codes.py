"""What the `frs` command's exit code says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Stable: scripts depend on them."""

    OK = 0
    FAILED = 1  # the experiment or job failed or was cancelled; up, doctor: the system is not well
    USAGE = 2  # bad usage, or a file that is not a valid experiment
    UNREACHABLE = 3  # no server answers
    REFUSED = 4  # the server has no such thing, or refuses
    DETACHED = 130  # Ctrl-C


HELP = (
    "Exit codes: 0 done; 1 the experiment or job failed or was cancelled; 2 bad usage or an invalid file; "
    "3 no server answers; 4 not found, or refused by the server; 130 detached by Ctrl-C."
)
