"""What kinds of errors cost how much AP50."""

from service.comparison.figures.drawing import WIDTH, Axis, box, line, picture, series, shorten, style, text
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import chosen_rows
from service.comparison.findings import ERRORS, Findings
from service.comparison.result import ComparisonRow
from service.comparison.statistics import statistic

ROW, TOP, LEFT = 30, 8, 170


def draw(findings: Findings) -> Figure | None:
    """A bar for each row, a part for each type of TIDE's errors; None where no run has such numbers."""
    rows, left_out = chosen_rows(findings)
    parts = {row.label: found for row in rows if (found := _mean(findings, row))}
    if not parts:
        return None
    longest = max(sum(each.values()) for each in parts.values())
    axis = Axis.over([0.0, 100 * longest], start=LEFT, end=WIDTH - 20, num_ticks=8)
    bottom = TOP + ROW * len(parts)
    drawn = []
    for tick in axis.ticks:
        drawn.append(line(axis.place(tick), TOP, axis.place(tick), bottom, opacity=0.12))
        drawn.append(
            text(axis.place(tick), bottom + 15, axis.text(tick), anchor="middle", faint=True, size=11)
        )
    for place, (label, found) in enumerate(parts.items()):
        top = TOP + ROW * place
        drawn.append(text(LEFT - 12, top + ROW / 2 + 4, shorten(label, 22), anchor="end"))
        drawn.append(_bar(found, top, axis))
    middle, meant = (LEFT + WIDTH - 20) / 2, "AP50 to be gained without them, in points"
    drawn.append(text(middle, bottom + 33, meant, anchor="middle", faint=True, size=11))
    title = f"Types of errors on {findings.comparison.split} (TIDE)"
    meanings = "; ".join(f"{name}: {meaning}" for name, meaning in ERRORS.items())
    return Figure(
        name="errors",
        title=title,
        caption=f"Mean over seeds. {meanings}. Each part is what mending that type alone would gain; these "
        f"do not add up.{left_out}",
        svg=picture("".join(drawn), height=bottom + 42, title=title),
        columns=("row", *ERRORS),
        rows=tuple(
            (label, *(f"{100 * found[name]:.1f}" for name in ERRORS)) for label, found in parts.items()
        ),
    )


def _bar(found: dict[str, float], top: float, axis: Axis) -> str:
    drawn, start = [], 0.0
    for number, (name, gain) in enumerate(found.items(), start=1):
        left, right = axis.place(100 * start), axis.place(100 * (start + gain))
        start += gain
        part = box(left, top + 4, max(0.0, right - left - 1), ROW - 8, opacity=0.35)
        if right - left > 8 * len(name) + 4:
            part += text((left + right) / 2, top + ROW / 2 + 4, name, anchor="middle", size=11)
        drawn.append(series(style(number), part))
    return "".join(drawn)


def _mean(findings: Findings, row: ComparisonRow) -> dict[str, float]:
    known = [
        analysis.errors
        for run in findings.runs_of(row)
        if (analysis := findings.analyses.get(run.job_id)) is not None and analysis.errors is not None
    ]
    return {name: statistic(each[name] for each in known).mean or 0.0 for name in ERRORS} if known else {}
