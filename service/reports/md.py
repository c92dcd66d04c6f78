"""Text to paste into an issue or a wiki, in points, with what one must know to read it."""

import html
import re
from collections.abc import Iterable, Sequence

from service.comparison.differences import short
from service.comparison.figures import Figure
from service.comparison.table import Cell, definitions, table_of
from service.reports.material import appendix
from service.reports.material.dossier import Dossier

MEDIA_TYPE = "text/markdown"
EXTENSION = "md"


def render(dossier: Dossier) -> str:
    """Verdict, table, gap, what the figures show, settings that differ, limits, appendix."""
    comparison = dossier.comparison
    parts = [
        f"# {_escape(comparison.name)}\n" if comparison.name else "",
        f"{_escape(comparison.verdict)}\n" if comparison.verdict else "",
        _comparison(dossier),
        f"Experiment {comparison.experiment}. {_escape(' '.join(definitions(comparison)))}\n",
        _section("Gap to the teacher", _list(appendix.gap(dossier))),
        *map(_figure, [each for each in dossier.figures if each.name not in appendix.LONG_FIGURES]),
        _section("Images", _images(dossier)),
        _differences(dossier),
        _section("Searched beforehand, on val", _list(appendix.searches(dossier))),
        _section("Before you believe it", _list(comparison.warnings)),
        _appendix(dossier),
    ]
    return "\n".join(part for part in parts if part)


def _comparison(dossier: Dossier) -> str:
    table = table_of(dossier.comparison)
    return _table(
        ["method", *table.columns], [[_escape(row.title), *map(_cell, row.cells)] for row in table.rows]
    )


def _figure(figure: Figure) -> str:
    rows = [[_escape(cell) for cell in row] for row in figure.rows]
    return _section(_escape(figure.title), f"{_table(figure.columns, rows)}\n{_escape(figure.caption)}\n")


def _images(dossier: Dossier) -> str:
    """Their words; the pictures are in the other formats."""
    told = _list(f"{each.title}. {each.caption}" for each in dossier.examples)
    return told or (f"{_escape(dossier.no_examples)}\n" if dossier.no_examples else "")


def _differences(dossier: Dossier) -> str:
    labels, found = dossier.compared_specs
    rows = [[f"`{each.path}`", *(_escape(short(value)) for value in each.values)] for each in found]
    shown = _table(["setting", *map(_escape, labels)], rows) if rows else ""
    return _section("Where the rows' settings differ", shown)


def _appendix(dossier: Dossier) -> str:
    if not dossier.sheets:
        return ""
    facts = _list(f"{name}: {value}" for name, value in appendix.provenance(dossier))
    rows = [[_escape(cell) for cell in row] for row in appendix.run_rows(dossier)]
    return _section("Appendix: what this rests on", f"{facts}\n{_table(appendix.RUN_COLUMNS, rows)}")


def _section(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _list(items: Iterable[str]) -> str:
    return "".join(f"- {_escape(item)}\n" for item in items)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.strong else cell.text


def _escape(text: str) -> str:
    """Text that is neither a cell's border, nor markup, nor HTML."""
    return re.sub(r"([\\|*_`\[\]])", r"\\\1", html.escape(text, quote=False)).replace("\n", " ")
