"""How a comparison looks: points with one decimal, seeds and spread beside every mean."""

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from service.cli import words
from service.client import Comparison, ComparisonRow, Search

MARKS = {"external": "†", "cited": "‡"}
METRICS = {"ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_s": "APs", "ap_m": "APm", "ap_l": "APl"}


class ComparisonView:
    """Draws a comparison; where the terminal is narrow only AP and its difference keep their spread."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        comparison = self._comparison
        full = self._table(spreads=True)
        fits = console.measure(full, options=options.update(max_width=1000)).maximum <= options.max_width
        if comparison.verdict:
            yield Text(comparison.verdict, style="bold")
        yield full if fits else self._table(spreads=False)
        yield Text(_legend(comparison), style="dim")
        for row in comparison.rows:
            if row.search is not None:
                yield _search(row.label, row.search)
        for row in comparison.rows:
            if row.note is not None:
                yield Text(f"{row.label}{MARKS.get(row.source, '')}: {row.note}", style="dim")
        for warning in comparison.warnings:
            line = Table.grid(padding=(0, 1, 0, 0))
            line.add_row(Text("!", style="bold yellow"), Text(warning, style="yellow"))
            yield line

    def _table(self, *, spreads: bool) -> Table:
        padding = (0, 2 if spreads else 1, 0, 0)
        table = Table(box=None, pad_edge=False, padding=padding, header_style="bold")
        table.add_column("method", overflow="ellipsis", min_width=7, no_wrap=True)
        shows_intervals = spreads and any(row.delta_ap_interval for row in self._comparison.rows)
        interval = ["95 % (images)"] if shows_intervals else []
        for name in ("seeds", *METRICS.values(), "ΔAP", *interval, "gap closed"):
            table.add_column(name, justify="right", no_wrap=name != "gap closed")
        shows_expected = _has_expectations(self._comparison)
        if shows_expected:
            table.add_column("expected", justify="right")
        for row in self._comparison.rows:
            expected = [words.points(row.expected_ap)] if shows_expected else []
            *cells, gap = self._cells(row, spreads=spreads)
            ends = [words.interval(row.delta_ap_interval)] if shows_intervals else []
            table.add_row(*cells, *ends, gap, *expected)
        return table

    def _cells(self, row: ComparisonRow, *, spreads: bool) -> list[RenderableType]:
        reference = row.role == "teacher" or row.label == self._comparison.baseline or row.source == "cited"
        metrics = [
            words.spread_points(row.metrics.get(key))
            if spreads or key == "ap"
            else words.points(row.metrics[key].mean if key in row.metrics else None)
            for key in METRICS
        ]
        return [
            Text(row.label + MARKS.get(row.source, ""), style="dim" if row.role == "teacher" else ""),
            str(len(row.seeds)) if row.source == "run" else words.NOTHING,
            *metrics,
            words.NOTHING if reference else words.difference(row.delta_ap, row.delta_ap_sd),
            words.NOTHING if reference else words.percent(row.gap_closed),
        ]


def _search(label: str, search: Search) -> Text:
    """Every trial with its AP, the chosen one in bold."""
    line = Text(f"{label} was searched on {search.split}: ", style="dim")
    for number, trial in enumerate(search.tried):
        ap = "no AP" if trial.ap is None else f"AP {words.points(trial.ap)}"
        line.append("; " if number else "")
        line.append(f"{trial.words} {ap}", style="bold not dim" if number == search.chosen else "")
    return line


def _has_expectations(comparison: Comparison) -> bool:
    return any(row.expected_ap is not None for row in comparison.rows)


def _legend(comparison: Comparison) -> str:
    split = f"split {comparison.split}; " if comparison.split else ""
    expected = "; expected: AP on val" if _has_expectations(comparison) else ""
    there = {row.source for row in comparison.rows}
    marks = {"external": "† from outside, judged here", "cited": "‡ cited, measured elsewhere"}
    outside = "".join(f"; {mark}" for source, mark in marks.items() if source in there)
    delta = f"ΔAP to {comparison.baseline}, paired by seed"
    return f"{split}points, mean ± sd over seeds; {delta}{expected}{outside}"
