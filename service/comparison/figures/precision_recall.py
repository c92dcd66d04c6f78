"""Precision against recall."""

import numpy as np
from numpy.typing import NDArray

from service.comparison.figures.drawing import WIDTH, Axis, frame, legend, path, picture, series, text
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import chosen_rows, styles
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow

PANELS = ("0.50", "0.75")
_TOLD_RECALLS = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)

Curves = NDArray[np.float64]
"""(2, 101): precision at IoU .5 and .75 at each recall."""


def draw(findings: Findings) -> Figure | None:
    """Two panels, at IoU .5 and .75, in the mean over classes and seeds; None where no run has curves."""
    rows, left_out = chosen_rows(findings)
    curves = {row.label: curve for row in rows if (curve := _mean(findings, row)) is not None}
    if not curves:
        return None
    looks = styles(findings)
    drawn = []
    for panel, iou in enumerate(PANELS):
        x = Axis(0, 1, 44 + panel * 345, 44 + panel * 345 + 275, 0.2)
        y = Axis(0, 1, 256, 22, 0.2)
        drawn.append(frame(x, y, x_title="recall", y_title="precision"))
        drawn.append(text(x.end, y.end - 8, f"IoU {iou}", anchor="end"))
        for label, curve in curves.items():
            places = [(x.place(index / 100), y.place(value)) for index, value in enumerate(curve[panel])]
            drawn.append(series(looks[label], path(places, dash=looks[label].dash)))
    names, height = legend([(label, looks[label]) for label in curves], top=296)
    title = f"Precision and recall on {findings.comparison.split}"
    return Figure(
        name="precision-recall",
        title=title,
        caption=f"Mean over classes and seeds, at COCO's 101 recalls.{left_out}",
        svg=picture("".join(drawn) + names, height=296 + height, title=title, width=WIDTH + 10),
        columns=("row", "IoU", *(f"recall {recall / 100:.1f}" for recall in _TOLD_RECALLS)),
        rows=tuple(
            (label, iou, *(f"{curve[panel][recall]:.3f}" for recall in _TOLD_RECALLS))
            for label, curve in curves.items()
            for panel, iou in enumerate(PANELS)
        ),
    )


def _mean(findings: Findings, row: ComparisonRow) -> Curves | None:
    known = [
        analysis.precision
        for run in findings.runs_of(row)
        if (analysis := findings.analyses.get(run.job_id)) is not None and analysis.precision is not None
    ]
    return np.mean(known, axis=0) if known else None
