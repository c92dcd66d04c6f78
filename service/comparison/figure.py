"""The differences of a comparison as one small drawing, for the page and for reports that can hold SVG."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from service.comparison.result import Comparison, ComparisonRow
from service.comparison.table import MINUS

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 680, 150, 90
ROW_HEIGHT, AXIS_HEIGHT, MARGIN = 30, 34, 8
MAX_LABEL = 20
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def delta_figure(comparison: Comparison) -> str:
    """Δ AP to the baseline, a row each: a dot, a bar of ± sd over seeds, a line of the interval over images.

    Colours are those of the text around it; a row that is not clear is drawn fainter and hollow. Empty where
    there is no difference to draw.
    """
    rows = [row for row in comparison.rows if row.delta_ap is not None and row.label != comparison.baseline]
    if not rows:
        return ""
    scale = _Scale.over(rows)
    height = MARGIN + ROW_HEIGHT * len(rows) + AXIS_HEIGHT
    title = f"Difference of AP to {comparison.baseline}, in points"
    drawn = "".join(_row(row, MARGIN + ROW_HEIGHT * (index + 0.5), scale) for index, row in enumerate(rows))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" class="figure" fill="currentColor" stroke="none" font-size="13" '
        f'font-family="system-ui, sans-serif"><title>{escape(title)}</title>'
        f"{_axis(scale, height - AXIS_HEIGHT, title)}{drawn}</svg>"
    )


class _Scale:
    """Points of AP to places on the x axis; `ticks` are round."""

    def __init__(self, low: float, high: float) -> None:
        step = next((step for step in _STEPS if (high - low) / step <= 8), _STEPS[-1])
        self._low, self._high = math.floor(low / step) * step, math.ceil(high / step) * step
        count = round((self._high - self._low) / step)
        self.ticks = [self._low + step * number for number in range(count + 1)]
        self.digits = 1 if step < 1 else 0

    @classmethod
    def over(cls, rows: Sequence[ComparisonRow]) -> "_Scale":
        ends = [0.0]
        for row in rows:
            assert row.delta_ap is not None
            sd = row.delta_ap_sd or 0.0
            ends += [row.delta_ap - sd, row.delta_ap + sd, *(row.delta_ap_interval or ())]
        return cls(100 * min(ends) - 0.1, 100 * max(ends) + 0.1)

    def place(self, points: float) -> float:
        share = (points - self._low) / (self._high - self._low)
        return LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)


def _axis(scale: _Scale, bottom: float, title: str) -> str:
    lines = []
    for tick in scale.ticks:
        x, is_zero = scale.place(tick), abs(tick) < 1e-9
        text = "0" if is_zero else _signed(tick, scale.digits)
        opacity = "0.9" if is_zero else "0.15"
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{MARGIN}" y2="{bottom}" stroke="currentColor" '
            f'stroke-opacity="{opacity}"/><text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle" '
            f'font-size="11" fill-opacity="0.7">{text}</text>'
        )
    middle = (LABEL_WIDTH + WIDTH - VALUE_WIDTH) / 2
    lines.append(
        f'<text x="{middle:.0f}" y="{bottom + 30}" text-anchor="middle" font-size="11" fill-opacity="0.7">'
        f"{escape(title)}</text>"
    )
    return "".join(lines)


def _row(row: ComparisonRow, y: float, scale: _Scale) -> str:
    assert row.delta_ap is not None
    delta, sd = 100 * row.delta_ap, 100 * (row.delta_ap_sd or 0.0)
    x, left, right = scale.place(delta), scale.place(delta - sd), scale.place(delta + sd)
    label = row.label if len(row.label) <= MAX_LABEL else f"{row.label[: MAX_LABEL - 1]}…"
    fill = 'fill="currentColor"' if row.is_clear else 'fill="none"'
    return (
        f'<g opacity="{1 if row.is_clear else 0.65}">'
        f'<text x="{LABEL_WIDTH - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{left:.1f}" y="{y - 6:.1f}" width="{right - left:.1f}" height="12" rx="2" '
        'fill-opacity="0.18"/>'
        f"{_interval(row.delta_ap_interval, y, scale)}"
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" {fill} stroke="currentColor" stroke-width="1.5"/>'
        f'<text x="{WIDTH - VALUE_WIDTH + 14}" y="{y + 4:.1f}">{_signed(delta, 1)}</text></g>'
    )


def _interval(ends: tuple[float, float] | None, y: float, scale: _Scale) -> str:
    if ends is None:
        return ""
    low, high = (scale.place(100 * end) for end in ends)
    path = f"M{low:.1f} {y - 4:.1f}v8M{low:.1f} {y:.1f}H{high:.1f}M{high:.1f} {y - 4:.1f}v8"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.5"/>'


def _signed(points: float, digits: int) -> str:
    return f"{points:+.{digits}f}".replace("-", MINUS)
