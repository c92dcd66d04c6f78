"""One line per row of the comparison, for spreadsheets and data frames. Fractions, unrounded.

Warnings have no place in it: the JSON and Markdown reports carry them.
"""

import csv
import io
from typing import Any

from frs_core.events import COCO_METRICS
from service.comparison import Comparison, ComparisonRow
from service.reports.material.cells import as_text
from service.reports.material.dossier import Dossier

MEDIA_TYPE = "text/csv"
EXTENSION = "csv"

_COST = ("params", "macs", "latency_ms_mean", "latency_ms_sd", "latency_ms_n")


def render(dossier: Dossier) -> str:
    """A header, then one line per label; what is missing is empty. Lines end as RFC 4180 has it."""
    comparison = dossier.comparison
    lines = [_line(comparison, row) for row in comparison.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_columns())
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _columns() -> list[str]:
    identity = ["experiment", "split", "baseline", "label", "method", "role", "source", "n", "seeds"]
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
        *(f"best_val_ap_{part}" for part in ("mean", "sd", "n")),
        *_COST,
        "expected_ap",
        "searched",
        "note",
    ]


def _line(comparison: Comparison, row: ComparisonRow) -> dict[str, Any]:
    return {
        "experiment": comparison.experiment,
        "split": comparison.split,
        "baseline": as_text(comparison.baseline),
        "label": as_text(row.label),
        "method": row.method,
        "role": row.role,
        "source": row.source,
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
        **{f"best_val_ap_{part}": getattr(row.best_val_ap, part) for part in ("mean", "sd", "n")},
        "params": row.params,
        "macs": row.macs,
        **{f"latency_ms_{part}": getattr(row.latency_ms, part) for part in ("mean", "sd", "n")},
        "expected_ap": row.expected_ap,
        "searched": "" if row.search is None else row.search.tried[row.search.chosen].words,
        "note": as_text(row.note or ""),
    }
