"""The answer in one sentence, with what it rests on."""

from collections.abc import Sequence

from service.comparison.result import ComparisonRow
from service.comparison.statistics import MIN_GAP

NO_RESULT = "This was a trial on a part of the images: it shows that the runs work, and is no result."


def verdict(rows: Sequence[ComparisonRow], *, baseline: str, is_partial: bool = False) -> str:
    """What the row that leads (`leading_row`) shows; empty where there is no difference yet.

    A difference is claimed only where it is clear (`ComparisonRow.is_clear`), and of no row from outside.
    """
    if is_partial:
        return NO_RESULT
    best = leading_row(rows, baseline=baseline)
    if best is None or best.delta_ap is None:
        return ""
    delta = best.delta_ap
    if best.delta_ap_n == 1:
        return _of_one_seed(best, delta, baseline)
    spread = _spread(best)
    if not best.is_clear:
        return (
            f"No method is clearly better than {baseline}: the best, {best.label}, differs by "
            f"{_points(delta)} AP ({spread})."
        )
    if delta < 0:
        found = f"the best, {best.label}, has {_points(delta)} AP"
        return f"No method is better than {baseline}: {found} ({spread})."
    share = best.gap_closed
    gap = "" if share is None else f"; it closes {100 * share:.0f} % of the gap to the teacher"
    return f"{best.label} {_points(delta)} AP over {baseline} ({spread}){gap}."


def leading_row(rows: Sequence[ComparisonRow], *, baseline: str) -> ComparisonRow | None:
    """The row that ran here with the largest clear gain; without one the largest difference over two seeds or
    more, then of one seed. None where nothing differs yet.

    So a row of much luck hides no smaller gain that is clear.
    """
    own = [row for row in rows if row.source == "run" and row.label != baseline]
    found = [
        ((row.is_clear and row.delta_ap > 0, row.delta_ap_n > 1, row.delta_ap), row)
        for row in own
        if row.delta_ap is not None
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _of_one_seed(best: ComparisonRow, delta: float, baseline: str) -> str:
    if abs(delta) < MIN_GAP:
        return f"{best.label} and {baseline} tie: {_points(delta)} AP from one seed, under 0.3 points."
    return (
        f"No claim yet: {best.label} differs from {baseline} by {_points(delta)} AP, but from one seed, "
        "which has no spread; run more."
    )


def _spread(row: ComparisonRow) -> str:
    """What is known of the difference's luck: over images, and over seeds."""
    parts = []
    if row.delta_ap_interval is not None:
        low, high = row.delta_ap_interval
        ends = f"{_points(low, '')} to {_points(high, '')}"
        parts.append(f"95 % interval {ends} over the images")
    if row.delta_ap_sd is not None:
        parts.append(f"± {100 * row.delta_ap_sd:.1f} over {row.delta_ap_n} seeds")
    return ", ".join(parts)


def _points(fraction: float, sign: str = "+") -> str:
    return f"{100 * fraction:{sign}.1f}".replace("-", "−")
