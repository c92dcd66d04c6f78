"""Accuracy against what it costs."""

from collections.abc import Sequence

from service.comparison.figures.drawing import WIDTH, Axis, frame, line, mark, picture, series, shorten, text
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import styles
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow
from service.comparison.table import marked, points

SPACING = 15


def draw(findings: Findings) -> Figure | None:
    """AP over multiply-adds of one image, a mark for each row; None where no cost was measured."""
    rows = [row for row in findings.rows if row.macs is not None and row.metrics["ap"].mean is not None]
    if not rows:
        return None
    x = Axis.over([0.0, *((row.macs or 0) / 1e9 for row in rows)], start=44, end=WIDTH - 170, least=0.01)
    bottom = max(266, 30 + SPACING * len(rows))  # a label's height for every row
    y = Axis.over((100 * (row.metrics["ap"].mean or 0) for row in rows), start=bottom, end=22)
    looks = styles(findings)
    drawn = [frame(x, y, x_title="GMACs of one image", y_title="AP")]
    for row, label_y in zip(rows, _spread([_height(row, y) for row in rows], bottom - 4), strict=True):
        place, height = x.place((row.macs or 0) / 1e9), _height(row, y)
        content = (
            line(place + 5, height, place + 22, label_y, opacity=0.5)
            + mark(looks[row.label].mark, place, height, 5)
            + text(place + 26, label_y + 4, shorten(marked(row), 22))
        )
        drawn.append(series(looks[row.label], content))
    title = f"AP on {findings.comparison.split} against cost"
    return Figure(
        name="cost",
        title=title,
        caption="Multiply-adds of one image (papers print them as FLOPs); mean AP over seeds, in points.",
        svg=picture("".join(drawn), height=bottom + 40, title=title),
        columns=("row", "AP", "GMACs", "params (M)", "latency (ms)"),
        rows=tuple(map(_told, rows)),
    )


def _height(row: ComparisonRow, y: Axis) -> float:
    return y.place(100 * (row.metrics["ap"].mean or 0))


def _spread(heights: Sequence[float], lowest: float) -> list[float]:
    """Where labels stand that must not cover each other: near their heights, in the same order."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    places = [0.0] * len(heights)
    last = float("-inf")
    for index in order:
        last = max(heights[index], last + SPACING)
        places[index] = last
    limit = lowest  # what would stand below the axis moves up, and what is in its way with it
    for index in reversed(order):
        places[index] = limit = min(places[index], limit)
        limit -= SPACING
    return places


def _told(row: ComparisonRow) -> tuple[str, ...]:
    latency = row.latency_ms.mean
    return (
        row.label,
        points(row.metrics["ap"].mean),
        f"{(row.macs or 0) / 1e9:.2f}",
        "n/a" if row.params is None else f"{row.params / 1e6:.2f}",
        "n/a" if latency is None else f"{latency:.1f}",
    )
