"""AP of small, medium and large objects."""

from service.comparison.figures.drawing import WIDTH, Axis, frame, legend, line, mark, picture, series, text
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import chosen_rows, styles
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow
from service.comparison.table import METRICS, marked, points

SIZES = {"ap_s": "small: under 32² px", "ap_m": "medium", "ap_l": "large: over 96² px"}


def draw(findings: Findings) -> Figure | None:
    """AP by COCO's sizes, a mark for each row; None where no size was measured."""
    rows, left_out = chosen_rows(findings)
    known = [name for name in SIZES if any(row.metrics[name].mean is not None for row in rows)]
    if not known:
        return None
    ends = [
        100 * (each.mean + sign * (each.sd or 0))
        for row in rows
        for each in (row.metrics[name] for name in known)
        if each.mean is not None
        for sign in (-1, 1)
    ]
    y = Axis.over([0.0, *ends], start=246, end=22)
    x = Axis(0, len(known), 44, WIDTH - 10, 1)
    drawn = [frame(x, y, x_title="", y_title="AP", x_ticks=False)]
    looks = styles(findings)
    for place, name in enumerate(known):
        drawn.append(text(x.place(place + 0.5), y.start + 18, SIZES[name], anchor="middle"))
        for number, row in enumerate(rows):
            centre = x.place(place + (number + 1) / (len(rows) + 1))
            drawn.append(series(looks[row.label], _mark(row, name, centre, y, looks[row.label].mark)))
    names, height = legend([(marked(row), looks[row.label]) for row in rows], top=280, lines=False)
    title = f"AP by size of the objects on {findings.comparison.split}, in points"
    return Figure(
        name="sizes",
        title=title,
        caption="Mean over seeds; line: ± standard deviation over seeds. Sizes are COCO's, of boxes."
        + left_out,
        svg=picture("".join(drawn) + names, height=280 + height, title=title),
        columns=("row", *(METRICS[name] for name in SIZES), "seeds"),
        rows=tuple((row.label, *(_told(row, name) for name in SIZES), str(row.n)) for row in findings.rows),
    )


def _mark(row: ComparisonRow, name: str, x: float, y: Axis, kind: str) -> str:
    each = row.metrics[name]
    if each.mean is None:
        return ""
    spread = ""
    if each.sd is not None:
        spread = line(
            x, y.place(100 * (each.mean - each.sd)), x, y.place(100 * (each.mean + each.sd)), opacity=0.8
        )
    return spread + mark(kind, x, y.place(100 * each.mean), 5)


def _told(row: ComparisonRow, name: str) -> str:
    each = row.metrics[name]
    return points(each.mean) + ("" if each.sd is None else f" ± {points(each.sd)}")
