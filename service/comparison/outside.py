"""Rows that were not run here: what was made elsewhere and judged here, and what is but cited."""

from collections.abc import Mapping, Sequence

import numpy as np

from frs_core.events import COCO_METRICS
from service.comparison.bootstrap import difference_interval
from service.comparison.records import CitedRecord, RunRecord
from service.comparison.result import ComparisonRow, Statistic
from service.comparison.statistics import statistic

_NOTHING = Statistic(mean=None, sd=None, n=0)


def external_difference(ap: float | None, baseline_ap: Mapping[int, float]) -> Statistic:
    """Of one result to the mean of the baseline's: it has no seed to be paired by, so n is 1 and no sd.

    >>> external_difference(0.5, {0: 0.25, 1: 0.5}).mean
    0.125
    """
    if ap is None or not baseline_ap:
        return _NOTHING
    return statistic([ap - float(np.mean(list(baseline_ap.values())))])


def external_interval(run: RunRecord, baseline: Sequence[RunRecord]) -> tuple[float, float] | None:
    """Over draws of the images, to the mean over the baseline's seeds; None unless all were drawn from."""
    theirs = [other for other in baseline if other.ap is not None]
    known = [other.draws for other in theirs if other.draws is not None]
    if run.draws is None or not known or len(known) < len(theirs):
        return None
    return difference_interval([run.draws], [np.mean(np.stack(known), axis=0)])


def cited_row(cited: CitedRecord) -> ComparisonRow:
    """The numbers as they were published, beside no difference: they were measured elsewhere."""
    return ComparisonRow(
        label=cited.label,
        method=None,
        role="student",
        source="cited",
        seeds=(),
        states={},
        metrics={name: statistic([cited.metrics.get(name)]) for name in COCO_METRICS},
        delta_ap=None,
        delta_ap_sd=None,
        delta_ap_n=0,
        gap_closed=None,
        note=cited.citation,
    )
