"""All that an experiment found, as pages and reports show it: the comparison and what it was made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.comparison.records import RunRecord
from service.comparison.result import Comparison, ComparisonRow

ERRORS = {
    "Cls": "wrong class",
    "Loc": "wrong place",
    "Both": "wrong class and place",
    "Dupe": "found already",
    "Bkg": "nothing there",
    "Miss": "not found",
}
"""TIDE's types of error (Bolya et al., ECCV 2020)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Analysis:
    """What a run's stored files tell beyond its numbers; None where they are not there.

    `precision`: in the mean over classes, at COCO's 101 recalls, for IoU .5 and .75, (2, 101). `errors`: by
    the names in ERRORS, how much AP50 (a fraction, by TIDE's reckoning) would gain without them.
    """

    precision: NDArray[np.float64] | None = None
    errors: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The comparison, its runs, and the analyses of those that have one, by job id."""

    comparison: Comparison
    runs: tuple[RunRecord, ...]
    analyses: Mapping[str, Analysis] = field(default_factory=dict)

    def runs_of(self, row: ComparisonRow) -> list[RunRecord]:
        """The runs of a row that have a result."""
        return [run for run in self.runs if run.label == row.label and run.metrics is not None]

    @property
    def rows(self) -> tuple[ComparisonRow, ...]:
        """The rows that have a result."""
        return tuple(row for row in self.comparison.rows if row.metrics and row.metrics["ap"].n)
