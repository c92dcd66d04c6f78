"""The table of a comparison as people read it: points with one decimal. Views and reports show this one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from service.comparison.records import Source
from service.comparison.result import Comparison, ComparisonRow, Statistic

METRICS = {"ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_s": "APs", "ap_m": "APm", "ap_l": "APl"}
INTERVAL = "95 % (images)"
BEST = "best AP (val)"
NOTHING = "–"
NOT_AVAILABLE = "n/a"
MINUS = "−"
MARKS = {"run": "", "external": "†", "cited": "‡"}


@dataclass(frozen=True)
class Cell:
    """What stands in a place. `strong`: the best of its column, or a clear difference; `faint`: no claim."""

    text: str
    strong: bool = False
    faint: bool = False


@dataclass(frozen=True)
class TableRow:
    """One label's cells, in the order of the columns; the label bears the mark of its source.

    `remark` is what a reader must know of it: `baseline`, `external`, `cited`, `single seed`, or nothing.
    """

    label: str
    role: str
    remark: str
    source: Source
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """The label for a table of plain text, where only its mark says that it comes from outside."""
        return self.label if self.remark == "" or self.source != "run" else f"{self.label} ({self.remark})"


@dataclass(frozen=True)
class Table:
    """The columns behind the label's, and the rows."""

    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    cell: Callable[[ComparisonRow], Cell]


def table_of(comparison: Comparison) -> Table:
    """The paper's table: what was measured, the difference with its two spreads, the gap, the cost."""
    columns = _columns(comparison)
    return Table(
        columns=tuple(column.title for column in columns),
        rows=tuple(
            TableRow(
                label=marked(row),
                role=row.role,
                remark=_remark(comparison, row),
                source=row.source,
                cells=tuple(column.cell(row) for column in columns),
            )
            for row in comparison.rows
        ),
    )


def _remark(comparison: Comparison, row: ComparisonRow) -> str:
    if row.source != "run":
        return row.source
    if row.label == comparison.baseline:
        return "baseline"
    return "single seed" if row.role == "student" and row.n == 1 else ""


def _columns(comparison: Comparison) -> list[_Column]:
    columns = [
        _Column("n", lambda row: Cell(NOTHING if row.source == "cited" else str(row.n))),
        *(_metric(comparison, name, title) for name, title in METRICS.items()),
        _Column("Δ AP", _of_students(comparison, _delta)),
        _Column(INTERVAL, _of_students(comparison, _interval)),
        _Column("gap closed", _of_students(comparison, lambda row: Cell(percent(row.gap_closed)))),
    ]
    if any(row.best_val_ap.n for row in comparison.rows):
        columns.append(_Column(BEST, lambda row: Cell(_spread(row.best_val_ap), faint=True)))
    if any(row.params is not None for row in comparison.rows):
        columns += [
            _Column("params (M)", lambda row: Cell(_scaled(row.params, 1e6))),
            _Column("GMACs", lambda row: Cell(_scaled(row.macs, 1e9))),
            _Column("latency (ms)", lambda row: Cell(_spread(row.latency_ms, scale=1))),
        ]
    if comparison.has_expectations:
        columns.append(_Column("expected AP", lambda row: Cell(points(row.expected_ap))))
    return columns


def _metric(comparison: Comparison, name: str, title: str) -> _Column:
    """The best mean of a student that was run here is strong, where they are not all the same."""
    students = [row for row in comparison.rows if row.role == "student" and row.source == "run"]
    means = [row.metrics[name].mean for row in students]
    known = [mean for mean in means if mean is not None]
    best = max(known) if len(set(known)) > 1 else None

    def cell(row: ComparisonRow) -> Cell:
        is_best = best is not None and row in students and row.metrics[name].mean == best
        return Cell(_spread(row.metrics[name]), strong=is_best)

    return _Column(title, cell)


def _of_students(
    comparison: Comparison, cell: Callable[[ComparisonRow], Cell]
) -> Callable[[ComparisonRow], Cell]:
    """A dash for the rows that a difference to the baseline says nothing of."""

    def chosen(row: ComparisonRow) -> Cell:
        has_none = row.role == "teacher" or row.source == "cited" or row.label == comparison.baseline
        return Cell(NOTHING) if has_none else cell(row)

    return chosen


def _delta(row: ComparisonRow) -> Cell:
    delta = Statistic(mean=row.delta_ap, sd=row.delta_ap_sd, n=row.delta_ap_n)
    return Cell(_spread(delta, sign="+"), strong=row.is_clear, faint=not row.is_clear)


def _interval(row: ComparisonRow) -> Cell:
    if row.delta_ap_interval is None:
        return Cell(NOT_AVAILABLE, faint=True)
    low, high = (_number(100 * end, "+") for end in row.delta_ap_interval)
    return Cell(f"{low} to {high}", faint=not row.is_clear)


def marked(row: ComparisonRow) -> str:
    """The row's label, and whether it comes from outside."""
    return f"{row.label}{MARKS[row.source]}"


def points(fraction: float | None) -> str:
    """A fraction in points.

    >>> points(0.39741), points(None)
    ('39.7', '–')
    """
    return NOTHING if fraction is None else _number(100 * fraction)


def percent(share: float | None) -> str:
    """A share in whole percent.

    >>> percent(1.024), percent(None)
    ('102 %', 'n/a')
    """
    return NOT_AVAILABLE if share is None else f"{_number(100 * share, digits=0)} %"


def _spread(value: Statistic, sign: str = "", scale: float = 100) -> str:
    if value.mean is None:
        return NOT_AVAILABLE
    spread = "" if value.sd is None else f" ± {scale * value.sd:.1f}"
    return f"{_number(scale * value.mean, sign)}{spread}"


def _scaled(value: int | None, unit: float) -> str:
    return NOT_AVAILABLE if value is None else f"{value / unit:.2f}"


def _number(value: float, sign: str = "", digits: int = 1) -> str:
    return f"{value:{sign}.{digits}f}".replace("-", MINUS)


def definitions(comparison: Comparison) -> Sequence[str]:
    """What one must know to read the table, a sentence each."""
    baseline = comparison.baseline
    found = [
        f"COCO metrics on the split {comparison.split}, in points: mean ± standard deviation (n−1) over n "
        "seeds, last checkpoint; the best student of a column is bold.",
        f"Δ AP: mean over the seeds both rows have of AP − AP({baseline}), paired by seed.",
        "95 % (images): so many of 1,000 draws of the images anew, the seeds as they are, have Δ AP between "
        "these (percentile bootstrap).",
        "Δ AP is bold where it is clear: two seeds or more, more than its deviation over seeds, 0 outside "
        "the interval.",
        f"Gap closed, over those seeds: (mean AP − mean AP({baseline})) / (mean AP(teacher) − mean "
        f"AP({baseline})); n/a where the teacher leads by less than 0.3 points.",
    ]
    if any(row.best_val_ap.n for row in comparison.rows):
        found.append(
            "Best AP (val): AP on val of the checkpoint that was best there. Chosen on the split that it is "
            "measured on, it flatters; all other columns are of the last checkpoint."
        )
    if any(row.params is not None for row in comparison.rows):
        found.append(
            "GMACs: multiply-adds of one image, which papers print as FLOPs. Latency: median of one image on "
            "the worker that ran the job, with NMS, mean ± standard deviation over the seeds."
        )
    if comparison.has_expectations:
        found.append("Expected AP: on val, as the experiment states it.")
    return [*found, *_of_marks(comparison)]


def _of_marks(comparison: Comparison) -> Iterator[str]:
    external = [row for row in comparison.rows if row.source == "external"]
    cited = [row for row in comparison.rows if row.source == "cited"]
    if external:
        yield (
            "† comes from outside and was judged here, by the same evaluator on the same images: one result, "
            "never bold, whose Δ AP is to the baseline's mean and supports no claim."
        )
    if cited:
        yield "‡ is cited, not measured here: never bold, and without a difference."
    for row in (*external, *cited):
        if row.note is not None:
            yield f"{marked(row)}: {row.note}"
