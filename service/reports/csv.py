"""One line per row of the comparison, for spreadsheets and data frames. Fractions, unrounded.

Warnings have no place in it: the JSON and Markdown reports carry them.
"""

import csv
import io
from typing import Any

from frs_core.events import COCO_METRICS
from service.comparison import Comparison, ComparisonRow

MEDIA_TYPE = "text/csv"
EXTENSION = "csv"

_COST = ("params", "macs", "latency_ms_mean", "latency_ms_sd", "latency_ms_n")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(comparison: Comparison) -> str:
    """A header, then one line per label; what is missing is empty. Lines end as RFC 4180 has it."""
    lines = [_line(comparison, row) for row in comparison.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_columns())
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _columns() -> list[str]:
    identity = ["experiment", "split", "baseline", "label", "method", "role", "n", "seeds"]
    metrics = [f"{name}_{part}" for name in COCO_METRICS for part in ("mean", "sd", "n")]
    return [
        *identity,
        *metrics,
        "delta_ap",
        "delta_ap_sd",
        "delta_ap_n",
        "delta_ap_low",
        "delta_ap_high",
        "is_clear",
        "gap_closed",
        *_COST,
        "expected_ap",
        "searched",
    ]


def _line(comparison: Comparison, row: ComparisonRow) -> dict[str, Any]:
    return {
        "experiment": comparison.experiment,
        "split": comparison.split,
        "baseline": _text(comparison.baseline),
        "label": _text(row.label),
        "method": row.method,
        "role": row.role,
        "n": row.n,
        "seeds": " ".join(map(str, row.seeds)),
        **{
            f"{name}_{part}": getattr(statistic, part)
            for name, statistic in row.metrics.items()
            for part in ("mean", "sd", "n")
        },
        "delta_ap": row.delta_ap,
        "delta_ap_sd": row.delta_ap_sd,
        "delta_ap_n": row.delta_ap_n,
        "delta_ap_low": None if row.delta_ap_interval is None else row.delta_ap_interval[0],
        "delta_ap_high": None if row.delta_ap_interval is None else row.delta_ap_interval[1],
        "is_clear": row.is_clear,
        "gap_closed": row.gap_closed,
        "params": row.params,
        "macs": row.macs,
        **{f"latency_ms_{part}": getattr(row.latency_ms, part) for part in ("mean", "sd", "n")},
        "expected_ap": row.expected_ap,
        "searched": "" if row.search is None else row.search.tried[row.search.chosen].words,
    }


def _text(value: str) -> str:
    """A spreadsheet would run a cell that starts like a formula; an apostrophe makes it text."""
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
