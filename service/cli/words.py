"""Numbers and states as people read them: AP in points with one decimal. Only here are values rounded."""

from datetime import datetime, timedelta

from rich.text import Text

from service.client import Job, Statistic

NOTHING = "–"
STATE_STYLES = {
    "waiting": "dim",
    "queued": "cyan",
    "running": "bold blue",
    "paused": "yellow",
    "blocked": "magenta",
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "yellow",
}


def state_text(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))


def points(fraction: float | None) -> str:
    """0.397 as 39.7."""
    return NOTHING if fraction is None else f"{100 * fraction:.1f}"


def spread_points(value: Statistic | None) -> str:
    """Mean ± sd in points; the mean alone where one seed gives no spread."""
    if value is None or value.mean is None:
        return NOTHING
    return points(value.mean) if value.sd is None else f"{points(value.mean)} ± {points(value.sd)}"


def difference(mean: float | None, sd: float | None) -> str:
    """A difference in points with its sign, ± the sd of the differences where there is one."""
    if mean is None:
        return NOTHING
    return f"{100 * mean:+.1f}" if sd is None else f"{100 * mean:+.1f} ± {points(sd)}"


def interval(ends: tuple[float, float] | None) -> str:
    """The ends of a difference's interval in points, with their signs."""
    return NOTHING if ends is None else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"


def percent(share: float | None) -> str:
    """A share in whole percent."""
    return "n/a" if share is None else f"{100 * share:.0f} %"


def loss(value: float | None) -> str:
    """Four significant digits."""
    return NOTHING if value is None else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """Minutes and seconds, with hours where there are any.

    >>> duration(75), duration(4000.4), duration(None)
    ('1:15', '1:06:40', '–')
    """
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def size(num_bytes: int | None) -> str:
    """In the unit that suits it.

    >>> size(3 * 2**29), size(5_000_000), size(None)
    ('1.5 GiB', '4.8 MiB', '–')
    """
    if num_bytes is None:
        return NOTHING
    return f"{num_bytes / 2**30:.1f} GiB" if num_bytes >= 2**30 else f"{num_bytes / 2**20:.1f} MiB"


def age(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    passed = max(now - moment, timedelta())
    for name, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed.total_seconds() >= length:
            return f"{passed.total_seconds() // length:.0f} {name} ago"
    return "just now"


def tried(job: Job) -> str:
    """What a table calls a run of a search: its row, and the values."""
    return job.name.replace(" search ", " ", 1)


def job_title(job: Job) -> str:
    """What a line calls a job."""
    if job.role == "search":
        return tried(job)
    return job.label if job.role in {"teacher", "preflight", "external"} else f"{job.label} · seed {job.seed}"


def reason(job: Job) -> str:
    """Why a job ended as it did, with the field to mend where the reason does not name it itself."""
    text = job.reason or job.reason_code or ""
    field = job.reason_field
    return f"{field}: {text}" if field and field not in text else text


def short_id(full_id: str) -> str:
    """Enough of an id to find it again."""
    return full_id[:8]
