"""How AP grew in training."""

from collections import defaultdict
from collections.abc import Mapping

from service.comparison.figures.drawing import (
    WIDTH,
    Axis,
    area,
    frame,
    legend,
    mark,
    path,
    picture,
    series,
)
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import MOST, chosen_rows, styles
from service.comparison.findings import Findings
from service.comparison.result import ComparisonRow, Statistic
from service.comparison.statistics import statistic
from service.comparison.table import marked, points

Curve = Mapping[int, Statistic]
"""AP on val by epoch."""


def draw(findings: Findings) -> Figure | None:
    """AP on val after each epoch; None where no student was evaluated twice."""
    curves = {row.label: _curve(findings, row) for row in findings.comparison.rows}
    students = [row for row in findings.comparison.rows if row.role == "student"]
    if not any(len(curves[row.label]) > 1 for row in students):
        return None
    rows, left_out = chosen_rows(findings)
    shown = {row.label for row in rows} | {row.label for row in students if not row.n}  # those that run too
    drawable = [row for row in findings.comparison.rows if row.label in shown and curves[row.label]][:MOST]
    plotted = [row for row in drawable if row.role == "student"]
    epochs = [float(epoch) for row in plotted for epoch in curves[row.label]]
    x = Axis.over([0.0, *epochs], start=44, end=WIDTH - 10, num_ticks=8, least=1)
    y = Axis.over(_values({row.label: curves[row.label] for row in drawable}), start=266, end=22)
    drawn = [frame(x, y, x_title="epoch", y_title="AP on val")]
    looks = styles(findings)
    for row in drawable:
        plot = _level if row.role == "teacher" else _line
        drawn.append(series(looks[row.label], plot(curves[row.label], x, y, looks[row.label].dash)))
        if row.role == "student":
            epoch, last = max(curves[row.label].items())
            drawn.append(
                series(
                    looks[row.label],
                    mark(looks[row.label].mark, x.place(epoch), y.place(100 * (last.mean or 0))),
                )
            )
    names, height = legend([(marked(row), looks[row.label]) for row in drawable], top=306)
    title = "AP on val during training"
    return Figure(
        name="curves",
        title=title,
        caption="Mean over seeds after each epoch, in points; band: ± standard deviation over seeds; level "
        f"dashed line: the teacher at its end.{left_out}",
        svg=picture("".join(drawn) + names, height=306 + height, title=title),
        columns=("row", "epoch", "AP", "± over seeds", "seeds"),
        rows=tuple(told for row in findings.comparison.rows for told in _told(row, curves[row.label])),
    )


def _curve(findings: Findings, row: ComparisonRow) -> Curve:
    found: defaultdict[int, list[float]] = defaultdict(list)
    for run in findings.runs:
        if run.label == row.label:
            for epoch, ap in run.history:
                if ap is not None:
                    found[epoch].append(ap)
    curve = {epoch: statistic(values) for epoch, values in sorted(found.items())}
    return curve if row.role == "student" else dict(list(curve.items())[-1:])


def _values(curves: Mapping[str, Curve]) -> list[float]:
    found = []
    for curve in curves.values():
        for each in curve.values():
            found += [100 * ((each.mean or 0) + sign * (each.sd or 0)) for sign in (-1, 1)]
    return found


def _line(curve: Curve, x: Axis, y: Axis, dash: str) -> str:
    places = [(x.place(epoch), y.place(100 * (each.mean or 0))) for epoch, each in curve.items()]
    upper, lower = (
        [
            (x.place(epoch), y.place(100 * ((each.mean or 0) + sign * (each.sd or 0))))
            for epoch, each in curve.items()
        ]
        for sign in (1, -1)
    )
    return area([*upper, *reversed(lower)]) + path(places, dash=dash)


def _level(curve: Curve, x: Axis, y: Axis, dash: str) -> str:
    [last] = curve.values()
    place = y.place(100 * (last.mean or 0))
    return path([(x.start, place), (x.end, place)], dash=dash, width=1.5)


def _told(row: ComparisonRow, curve: Curve) -> list[tuple[str, ...]]:
    return [
        (row.label, str(epoch), points(each.mean), "–" if each.sd is None else points(each.sd), str(each.n))
        for epoch, each in curve.items()
    ]
