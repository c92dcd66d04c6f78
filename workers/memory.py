"""Whether the kernel ended processes because memory ran out. Linux: see cgroup-v2 and proc(5)."""

from pathlib import Path

_CGROUP_EVENTS = Path("/sys/fs/cgroup/memory.events")
"""Of a container that sees its own cgroup at the root, as containers do."""
_HOST_EVENTS = Path("/proc/vmstat")


def num_oom_kills(places: tuple[Path, ...] = (_CGROUP_EVENTS, _HOST_EVENTS)) -> int | None:
    """How many processes the kernel has ended so far; None where it does not say."""
    for place in places:
        try:
            text = place.read_text()
        except OSError:
            continue
        for line in text.splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None
