"""Which classes a method helps, and which it costs."""

from collections.abc import Mapping, Sequence

from service.comparison.figures.drawing import WIDTH, Axis, box, legend, line, picture, series, shorten, text
from service.comparison.figures.figure import Figure
from service.comparison.figures.rows import chosen_rows, styles
from service.comparison.findings import Findings
from service.comparison.outside import external_difference
from service.comparison.records import RunRecord
from service.comparison.result import Statistic
from service.comparison.statistics import paired_difference
from service.comparison.table import MINUS

MOST_CLASSES = 20
BAR, GAP, TOP = 9, 12, 6
LEFT = 150

Differences = Mapping[str, Mapping[str, Statistic]]
"""By class, by row."""


def draw(findings: Findings) -> Figure | None:
    """Δ AP of each class to the baseline; None without a row to compare, or without numbers of classes."""
    rows, left_out = chosen_rows(findings)
    labels = [
        row.label for row in rows if row.role == "student" and row.label != findings.comparison.baseline
    ]
    differences = _differences(findings)
    shown = sorted(differences, key=lambda name: -_largest(differences[name]))[:MOST_CLASSES]
    if not labels or not shown:
        return None
    shown = [name for name in differences if name in shown]
    known = [
        100 * each.mean for name in shown for each in differences[name].values() if each.mean is not None
    ]
    axis = Axis.over([-0.1, 0.1, *known], start=LEFT, end=WIDTH - 20, num_ticks=8)
    group = BAR * len(labels) + GAP
    bottom = TOP + group * len(shown)
    looks = styles(findings)
    drawn = [_axis(axis, bottom)]
    for place, name in enumerate(shown):
        top = TOP + group * place + GAP / 2
        drawn.append(text(LEFT - 10, top + BAR * len(labels) / 2 + 4, shorten(name, 20), anchor="end"))
        for number, label in enumerate(labels):
            mean = differences[name][label].mean if label in differences[name] else None
            if mean is not None:
                width = axis.place(100 * mean) - axis.place(0)
                drawn.append(series(looks[label], box(axis.place(0), top + BAR * number, width, BAR - 1.5)))
    names, height = legend([(label, looks[label]) for label in labels], top=bottom + 40, lines=False)
    few = (
        f" The {MOST_CLASSES} classes with the largest differences; the table has all."
        if (len(differences) > MOST_CLASSES)
        else ""
    )
    title = f"Difference of AP to {findings.comparison.baseline} by class, in points"
    return Figure(
        name="classes",
        title=title,
        caption="Mean over the seeds both rows have; the bars of a class stand in the order of the legend."
        f"{few}{left_out}",
        svg=picture("".join(drawn) + names, height=bottom + 40 + height, title=title),
        columns=("class", "row", "Δ AP", "± over seeds", "seeds"),
        rows=tuple(_told(differences)),
    )


def _differences(findings: Findings) -> dict[str, dict[str, Statistic]]:
    groups: dict[str, list[RunRecord]] = {}
    for run in findings.runs:
        if run.role == "student" and run.per_class is not None:
            groups.setdefault(run.label, []).append(run)
    baseline = groups.pop(findings.comparison.baseline, [])
    names = dict.fromkeys(name for run in baseline for name in run.per_class or ())
    return {
        name: {label: _difference(runs, _by_seed(baseline, name), name) for label, runs in groups.items()}
        for name in names
    }


def _difference(runs: Sequence[RunRecord], baseline: Mapping[int, float], name: str) -> Statistic:
    """Paired by seed; what comes from outside has none, and is held against the baseline's mean."""
    if runs[0].source == "run":
        return paired_difference(_by_seed(runs, name), baseline)
    return external_difference((runs[0].per_class or {}).get(name), baseline)


def _by_seed(runs: Sequence[RunRecord], name: str) -> dict[int, float]:
    found = ((run.seed, (run.per_class or {}).get(name)) for run in runs)
    return {seed: ap for seed, ap in found if ap is not None}


def _largest(rows: Mapping[str, Statistic]) -> float:
    return max((abs(each.mean) for each in rows.values() if each.mean is not None), default=-1.0)


def _axis(axis: Axis, bottom: float) -> str:
    parts = []
    for tick in axis.ticks:
        x = axis.place(tick)
        parts.append(line(x, TOP, x, bottom, opacity=0.8 if abs(tick) < 1e-9 else 0.12))
        parts.append(text(x, bottom + 15, axis.text(tick, "+"), anchor="middle", faint=True, size=11))
    return "".join(parts)


def _told(differences: Differences) -> list[tuple[str, ...]]:
    return [
        (
            name,
            label,
            "n/a" if each.mean is None else f"{100 * each.mean:+.1f}".replace("-", MINUS),
            "–" if each.sd is None else f"{100 * each.sd:.1f}",
            str(each.n),
        )
        for name, rows in differences.items()
        for label, each in rows.items()
    ]
