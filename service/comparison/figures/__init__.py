"""The figures of a comparison, one file each: the same for the page and for every report."""

from service.comparison.figures import classes, cost, curves, deltas, errors, precision_recall, sizes
from service.comparison.figures.figure import Figure
from service.comparison.findings import Findings

_DRAWN = (deltas, cost, curves, classes, sizes, precision_recall, errors)

__all__ = ["Figure", "figures_of"]


def figures_of(findings: Findings) -> tuple[Figure, ...]:
    """Those that the findings have something for, in the order of a report."""
    drawn = (module.draw(findings) for module in _DRAWN)
    return tuple(figure for figure in drawn if figure is not None)
