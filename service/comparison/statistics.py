"""The arithmetic: means, spreads, paired differences, the share of a gap. Pure functions of numbers."""

from collections.abc import Iterable, Mapping

import numpy as np

from service.comparison.result import Statistic

MIN_GAP = 0.003
"""The least lead of the teacher (0.3 points of AP) of which a share means something."""


def statistic(values: Iterable[float | None]) -> Statistic:
    """Mean, sd and n of the values that are not None.

    >>> statistic([0.1, 0.3, None])
    Statistic(mean=0.2, sd=0.1414213562373095, n=2)
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    return Statistic(
        mean=float(known.mean()) if known.size else None,
        sd=float(known.std(ddof=1)) if known.size > 1 else None,
        n=known.size,
    )


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Statistic:
    """Of ours - theirs over the seeds (the keys) that both have."""
    return statistic(ours[seed] - theirs[seed] for seed in ours if seed in theirs)


def gap_closed(
    ours: Mapping[int, float], baseline: Mapping[int, float], teacher: float | None
) -> float | None:
    """(mean ours - mean baseline) / (teacher - mean baseline) over the common seeds.

    None without a teacher or a common seed, or where the teacher's lead is too small to divide.
    """
    common = [seed for seed in ours if seed in baseline]
    if teacher is None or not common:
        return None
    start = float(np.mean([baseline[seed] for seed in common]))
    if not is_a_gap(teacher - start):
        return None
    return (float(np.mean([ours[seed] for seed in common])) - start) / (teacher - start)


def is_a_gap(lead: float) -> bool:
    """Whether the teacher leads by MIN_GAP at least; a lead that falls short in its last bits only does."""
    return round(lead, 12) >= MIN_GAP
