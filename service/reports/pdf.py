"""The same as a tagged PDF, set by Typst: to send, to print, to put beside a paper."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typst

from service.comparison import Comparison, ComparisonRow
from service.comparison.figure import delta_figure
from service.comparison.table import definitions, points, table_of

MEDIA_TYPE = "application/pdf"
EXTENSION = "pdf"

_TEMPLATE = (Path(__file__).parent / "templates" / "comparison.typ").read_bytes()
_LONG_WORD = re.compile(r"\w{24}")
"""Typst breaks lines between words; a label of hundreds of letters would push the table off the page."""
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""The same comparison gives the same bytes."""


def render(comparison: Comparison) -> bytes:
    """Verdict, figure, table, warnings, searches and how to read it, in this order."""
    table = table_of(comparison)
    data = {
        "name": comparison.name or "Comparison",
        "experiment": comparison.experiment,
        "verdict": comparison.verdict,
        "figure": delta_figure(comparison),
        "figure_text": f"Differences of AP to {comparison.baseline}: the table has the numbers",
        "columns": table.columns,
        "rows": [asdict(row) for row in table.rows],
        "warnings": comparison.warnings,
        "searches": [_search(row) for row in comparison.searched],
        "definitions": definitions(comparison),
    }
    inputs = {"data": _LONG_WORD.sub("\\g<0>\N{ZERO WIDTH SPACE}", json.dumps(data, ensure_ascii=False))}
    content: bytes = typst.compile(_TEMPLATE, format="pdf", sys_inputs=inputs, timestamp=_NO_TIME)
    return content


def _search(row: ComparisonRow) -> str:
    assert row.search is not None
    tried = [
        f"{trial.words} {'no AP' if trial.ap is None else points(trial.ap)}"
        + (" (chosen)" if number == row.search.chosen else "")
        for number, trial in enumerate(row.search.tried)
    ]
    return f"{row.label}: {'; '.join(tried)}"
