"""A table to paste into an issue or a wiki, in points, with what one must know to read it."""

import html
import re

from service.comparison import Comparison
from service.comparison.table import Cell, definitions, table_of

MEDIA_TYPE = "text/markdown"
EXTENSION = "md"


def render(comparison: Comparison) -> str:
    """The verdict, the table in points with one decimal, the definitions, the warnings."""
    table = table_of(comparison)
    lines = [
        ["method", *table.columns],
        ["---", *["---:"] * len(table.columns)],
        *([_escape(row.label), *map(_cell, row.cells)] for row in table.rows),
    ]
    title = f"# {_escape(comparison.name)}\n\n" if comparison.name else ""
    verdict = f"{_escape(comparison.verdict)}\n\n" if comparison.verdict else ""
    warnings = "".join(f"- {_escape(warning)}\n" for warning in comparison.warnings)
    return (
        title
        + verdict
        + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
        + f"\nExperiment {comparison.experiment}. {_escape(' '.join(definitions(comparison)))}\n"
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


def _cell(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.strong else cell.text


def _escape(text: str) -> str:
    """Text that is neither a cell's border, nor markup, nor HTML."""
    return re.sub(r"([\\|*_`\[\]])", r"\\\1", html.escape(text, quote=False)).replace("\n", " ")
