"""A table to paste into a paper, in points, with what one must know to read it."""

import html
import re

from service.comparison import Comparison, ComparisonRow, Statistic

MEDIA_TYPE = "text/markdown"
EXTENSION = "md"

_METRICS = {"ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_s": "APs", "ap_m": "APm", "ap_l": "APl"}
_HEADER = ["method", "n", *_METRICS.values(), "Δ AP", "95 % (images)", "gap closed"]
_COST_DEFINITIONS = (
    " GMACs: multiply-adds of one image, which papers print as FLOPs. Latency: median of one image on the "
    "worker that ran the job, with NMS, mean ± standard deviation over the seeds."
)
_COST_HEADER = ["params (M)", "GMACs", "latency (ms)"]


def render(comparison: Comparison) -> str:
    """The table in points (100 x fraction) with one decimal, the definitions, the warnings."""
    rows = [_cells(row, comparison.baseline) for row in comparison.rows]
    header = _HEADER
    if any(row.params is not None for row in comparison.rows):
        header = [*_HEADER, *_COST_HEADER]
        rows = [[*cells, *_cost(row)] for cells, row in zip(rows, comparison.rows, strict=True)]
    if comparison.has_expectations:
        header = [*header, "expected AP"]
        rows = [[*cells, _expected(row)] for cells, row in zip(rows, comparison.rows, strict=True)]
    table = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    title = f"# {_escape(comparison.name)}\n\n" if comparison.name else ""
    warnings = "".join(f"- {_escape(warning)}\n" for warning in comparison.warnings)
    return (
        title
        + (f"{_escape(comparison.verdict)}\n\n" if comparison.verdict else "")
        + "".join(f"| {' | '.join(cells)} |\n" for cells in table)
        + f"\n{_definitions(comparison)}\n"
        + _searches(comparison)
        + (f"\nWarnings:\n\n{warnings}" if warnings else "")
    )


def _searches(comparison: Comparison) -> str:
    """One line for each row that was searched for: all that was tried, the chosen one in bold."""
    lines = []
    for row in comparison.searched:
        assert row.search is not None
        trials = [
            f"{_escape(trial.words)}: {'no AP' if trial.ap is None else f'{100 * trial.ap:.1f}'}"
            for trial in row.search.tried
        ]
        trials[row.search.chosen] = f"**{trials[row.search.chosen]}**"
        lines.append(f"- {_escape(row.label)}: {'; '.join(trials)}\n")
    if not lines:
        return ""
    return "\nSearched beforehand, one run each, by AP on `val` of the last checkpoint:\n\n" + "".join(lines)


def _definitions(comparison: Comparison) -> str:
    baseline = _escape(comparison.baseline)
    return (
        f"Experiment {comparison.experiment}, split `{comparison.split}`. "
        "COCO metrics in points, mean ± standard deviation (n-1) over n seeds. "
        f"Δ AP: mean over the seeds both rows have of AP - AP({baseline}), paired by seed. "
        "95 %: so many draws of the images anew, the seeds as they are, have Δ AP between these "
        "(percentile bootstrap). "
        f"Gap closed, over those seeds: (mean AP - mean AP({baseline})) / "
        f"(mean AP(teacher) - mean AP({baseline})); "
        "n/a where the teacher leads by less than 0.3 points."
        + (_COST_DEFINITIONS if any(row.params is not None for row in comparison.rows) else "")
        + (" Expected AP: on `val`, as the experiment states it." if comparison.has_expectations else "")
    )


def _cells(row: ComparisonRow, baseline: str) -> list[str]:
    refers_to_itself = row.role == "teacher" or row.label == baseline
    delta = Statistic(mean=row.delta_ap, sd=row.delta_ap_sd, n=row.delta_ap_n)
    return [
        _escape(row.label),
        str(row.n),
        *(_points(row.metrics[name]) for name in _METRICS),
        "–" if refers_to_itself else _points(delta, sign="+"),
        "–" if refers_to_itself else _interval(row.delta_ap_interval),
        "–" if refers_to_itself else _percent(row.gap_closed),
    ]


def _cost(row: ComparisonRow) -> list[str]:
    latency = row.latency_ms
    spread = "" if latency.sd is None else f" ± {latency.sd:.1f}"
    return [
        "n/a" if row.params is None else f"{row.params / 1e6:.2f}",
        "n/a" if row.macs is None else f"{row.macs / 1e9:.2f}",
        "n/a" if latency.mean is None else f"{latency.mean:.1f}{spread}",
    ]


def _expected(row: ComparisonRow) -> str:
    return "–" if row.expected_ap is None else f"{100 * row.expected_ap:.1f}"


def _points(value: Statistic, sign: str = "") -> str:
    if value.mean is None:
        return "n/a"
    spread = "" if value.sd is None else f" ± {100 * value.sd:.1f}"
    return f"{100 * value.mean:{sign}.1f}{spread}"


def _interval(ends: tuple[float, float] | None) -> str:
    return "n/a" if ends is None else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.0f} %"


def _escape(text: str) -> str:
    """Text that is neither a cell's border, nor markup, nor HTML."""
    return re.sub(r"([\\|*_`\[\]])", r"\\\1", html.escape(text, quote=False)).replace("\n", " ")
