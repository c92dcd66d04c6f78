"""The differences to the baseline, each with its two spreads."""

from collections.abc import Sequence

from service.comparison.figures.drawing import (
    WIDTH,
    Axis,
    box,
    line,
    mark,
    picture,
    series,
    shorten,
    text,
)
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import styles
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow
from service.comparison.table import MINUS, marked

LABEL_WIDTH, VALUE_WIDTH = 170, 90
ROW_HEIGHT, AXIS_HEIGHT, MARGIN = 30, 34, 8


def draw(findings: Findings) -> Figure | None:
    """Δ AP to the baseline, a row each; None where there is no difference yet.

    A dot, a bar of ± sd over seeds, a line of the interval over images; a row that is not clear is drawn
    fainter and hollow.
    """
    comparison = findings.comparison
    rows = [row for row in comparison.rows if row.delta_ap is not None and row.label != comparison.baseline]
    if not rows:
        return None
    axis = Axis.over(_ends(rows), start=LABEL_WIDTH, end=WIDTH - VALUE_WIDTH, num_ticks=8)
    bottom = MARGIN + ROW_HEIGHT * len(rows)
    title = f"Difference of AP to {comparison.baseline}, in points"
    looks = styles(findings)
    drawn = [_axis(axis, bottom, title)]
    for index, row in enumerate(rows):
        drawn.append(series(looks[row.label], _row(row, MARGIN + ROW_HEIGHT * (index + 0.5), axis)))
    return Figure(
        name="deltas",
        title=title,
        caption="Dot: mean over the seeds both rows have; bar: ± standard deviation over them; line: 95 % of "
        "draws of the images. Hollow and faint: not clear of its luck.",
        svg=picture("".join(drawn), height=bottom + AXIS_HEIGHT, title=title),
        columns=("row", "Δ AP", "± over seeds", "seeds", "95 % over images", "clear"),
        rows=tuple(map(_told, rows)),
    )


def _ends(rows: Sequence[ComparisonRow]) -> list[float]:
    ends = [-0.1, 0.1]
    for row in rows:
        assert row.delta_ap is not None
        sd = row.delta_ap_sd or 0.0
        ends += [100 * end for end in (row.delta_ap - sd, row.delta_ap + sd, *(row.delta_ap_interval or ()))]
    return ends


def _axis(axis: Axis, bottom: float, title: str) -> str:
    lines = []
    for tick in axis.ticks:
        x, is_zero = axis.place(tick), abs(tick) < 1e-9
        lines.append(line(x, MARGIN, x, bottom, opacity=0.9 if is_zero else 0.15))
        lines.append(text(x, bottom + 14, axis.text(tick, "+"), anchor="middle", faint=True, size=11))
    middle = (axis.start + axis.end) / 2
    return "".join(lines) + text(middle, bottom + 30, title, anchor="middle", faint=True, size=11)


def _row(row: ComparisonRow, y: float, axis: Axis) -> str:
    assert row.delta_ap is not None
    delta, sd = 100 * row.delta_ap, 100 * (row.delta_ap_sd or 0.0)
    x, left, right = axis.place(delta), axis.place(delta - sd), axis.place(delta + sd)
    return (
        f'<g opacity="{1 if row.is_clear else 0.75}">'
        + text(LABEL_WIDTH - 12, y + 4, shorten(marked(row), 22), anchor="end")
        + box(left, y - 6, right - left, 12, opacity=0.2)
        + _interval(row.delta_ap_interval, y, axis)
        + mark("circle" if row.is_clear else "ring", x, y)
        + text(WIDTH - VALUE_WIDTH + 14, y + 4, _signed(delta))
        + "</g>"
    )


def _interval(ends: tuple[float, float] | None, y: float, axis: Axis) -> str:
    if ends is None:
        return ""
    low, high = (axis.place(100 * end) for end in ends)
    path = f"M{low:.1f} {y - 4:.1f}v8M{low:.1f} {y:.1f}H{high:.1f}M{high:.1f} {y - 4:.1f}v8"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.5"/>'


def _told(row: ComparisonRow) -> tuple[str, ...]:
    assert row.delta_ap is not None
    sd = "–" if row.delta_ap_sd is None else f"{100 * row.delta_ap_sd:.1f}"
    ends = row.delta_ap_interval
    interval = "n/a" if ends is None else f"{_signed(100 * ends[0])} to {_signed(100 * ends[1])}"
    return (
        row.label,
        _signed(100 * row.delta_ap),
        sd,
        str(row.delta_ap_n),
        interval,
        "yes" if row.is_clear else "no",
    )


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", MINUS)
