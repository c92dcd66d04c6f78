"""How numbers look on pages. All rounding happens here; a missing value is a dash."""

from datetime import datetime

from service.comparison import Statistic

DASH = "–"
_SIZES = ("B", "kB", "MB", "GB", "TB")


def points(fraction: float | None) -> str:
    """A fraction in points.

    >>> points(0.39741)
    '39.7'
    """
    return DASH if fraction is None else f"{100 * fraction:.1f}"


def spread(statistic: Statistic | None, sign: str = "") -> str:
    """Mean and standard deviation in points; one seed has no deviation.

    >>> spread(Statistic(mean=0.39741, sd=0.0026, n=3))
    '39.7 ± 0.3'
    >>> spread(Statistic(mean=0.012, sd=None, n=1), "+")
    '+1.2'
    """
    if statistic is None or statistic.mean is None:
        return DASH
    deviation = "" if statistic.sd is None else f" ± {100 * statistic.sd:.1f}"
    return f"{100 * statistic.mean:{sign}.1f}{deviation}".replace("-", "−")


def change(fraction: float | None) -> str:
    """A signed difference in points.

    >>> change(-0.0123)
    '−1.2'
    """
    return spread(Statistic(mean=fraction, sd=None, n=1), "+")


def percent(share: float | None) -> str:
    """A share.

    >>> percent(1.204)
    '120 %'
    """
    return DASH if share is None else f"{100 * share:.0f} %".replace("-", "−")


def loss(value: float | None) -> str:
    """Four significant digits.

    >>> loss(1.23456)
    '1.235'
    """
    return DASH if value is None else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """The two largest units.

    >>> duration(3725), duration(59.6), duration(None)
    ('1 h 2 min', '1 min 0 s', '–')
    """
    if seconds is None:
        return DASH
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def size(size_bytes: float) -> str:
    """Bytes in decimal units.

    >>> size(1536), size(7_340_032)
    ('1.5 kB', '7.3 MB')
    """
    unit = 0
    while size_bytes >= 1000 and unit < len(_SIZES) - 1:
        size_bytes, unit = size_bytes / 1000, unit + 1
    return f"{size_bytes:.0f} {_SIZES[unit]}" if unit == 0 else f"{size_bytes:.1f} {_SIZES[unit]}"


def moment(value: datetime | None) -> str:
    """Date and minute in UTC."""
    return DASH if value is None else f"{value:%Y-%m-%d %H:%M}"


def ago(value: datetime, now: datetime) -> str:
    """How long ago, in one unit.

    >>> ago(datetime(2026, 1, 1, 11, 58), datetime(2026, 1, 1, 12))
    '2 min ago'
    """
    seconds = max(0.0, (now - value).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
