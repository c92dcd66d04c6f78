"""The same as a tagged PDF, set by Typst: to send, to print, to put beside a paper."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import typst

from service.comparison.differences import short
from service.comparison.table import definitions, table_of
from service.reports.material import appendix
from service.reports.material.dossier import Dossier, Example
from service.reports.material.vector import NO_TIME

MEDIA_TYPE = "application/pdf"
EXTENSION = "pdf"
HAS_IMAGES = True

_TEMPLATE = (Path(__file__).parent / "templates" / "comparison.typ").read_bytes()
_LONG_WORD = re.compile(r"\w{24}")
"""Typst breaks lines between words; a label of hundreds of letters would push the table off the page."""


def render(dossier: Dossier) -> bytes:
    """Verdict, table, gap, figures, images, settings that differ, limits, appendix, in this order."""
    comparison = dossier.comparison
    labels, differences = dossier.compared_specs
    table = table_of(comparison)
    data = {
        "name": comparison.name or "Comparison",
        "experiment": comparison.experiment,
        "verdict": comparison.verdict,
        "columns": table.columns,
        "rows": [{**asdict(row), "title": row.title} for row in table.rows],
        "gap": appendix.gap(dossier),
        "figures": [
            {"title": each.title, "caption": each.caption, "svg": each.svg} for each in dossier.figures
        ],
        "no_examples": dossier.no_examples,
        "examples": [_example(each) for each in dossier.examples],
        "labels": labels,
        "differences": [{"path": each.path, "values": list(map(short, each.values))} for each in differences],
        "warnings": comparison.warnings,
        "searches": appendix.searches(dossier),
        "definitions": definitions(comparison),
        "provenance": [{"name": name, "value": value} for name, value in appendix.provenance(dossier)],
        "run_columns": appendix.RUN_COLUMNS,
        "run_rows": appendix.run_rows(dossier),
    }
    inputs = {"data": _LONG_WORD.sub(_breakable, json.dumps(data, ensure_ascii=False))}
    content: bytes = typst.compile(_TEMPLATE, format="pdf", sys_inputs=inputs, timestamp=NO_TIME)
    return content


def _breakable(word: re.Match[str]) -> str:
    return f"{word[0]}\N{ZERO WIDTH SPACE}"


def _example(example: Example) -> dict[str, object]:
    panels = [{"title": each.title, "jpeg": list(each.jpeg)} for each in example.panels]
    return {"title": example.title, "caption": example.caption, "panels": panels}
